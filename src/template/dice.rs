//! Python's `random.Random`: the same seed gives the same numbers, so that what a playbook chose once it chooses again.
//!
//! The generator is MT19937 by Matsumoto and Nishimura; how seeds of each type become its state, and how numbers below
//! a limit are drawn, is Python's (<https://docs.python.org/3/library/random.html>).

use sha2::{Digest as _, Sha512};

use crate::eval::Cx;
use crate::value::Repr;
use crate::{TemplateError, Value};

const SIZE: usize = 624;
const MIDDLE: usize = 397;

/// A source of numbers: the world's, or one that a seed decides.
pub(crate) enum Dice<'a, 'b> {
    World(&'a Cx<'b>),
    Seeded(Box<Twister>),
}

impl<'a, 'b> Dice<'a, 'b> {
    /// Returns the world's dice, or those that the seed decides.
    pub(crate) fn new(cx: &'a Cx<'b>, seed: Option<&Value>) -> Result<Self, TemplateError> {
        Ok(match seed {
            None => Self::World(cx),
            Some(seed) => Self::Seeded(Box::new(Twister::of(seed)?)),
        })
    }

    /// Returns a number below the limit, each as likely as any other.
    pub(crate) fn below(&mut self, limit: u128) -> u128 {
        if limit == 0 {
            return 0;
        }
        let bits = u128::BITS - limit.leading_zeros();
        loop {
            let drawn = self.bits(bits);
            if drawn < limit {
                return drawn;
            }
        }
    }

    /// Returns an element of the slice; `None` where it has none.
    pub(crate) fn choose<'t, T>(&mut self, from: &'t [T]) -> Option<&'t T> {
        from.get(usize::try_from(self.below(from.len() as u128)).ok()?)
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = usize::try_from(self.below(last as u128 + 1)).unwrap_or(0);
            items.swap(last, other);
        }
    }

    /// Returns as many random bits; the lowest are drawn first.
    fn bits(&mut self, count: u32) -> u128 {
        let (mut drawn, mut have) = (0, 0);
        while have < count {
            let wanted = (count - have).min(u32::BITS);
            drawn |= u128::from(self.word() >> (u32::BITS - wanted)) << have;
            have += wanted;
        }
        drawn
    }

    fn word(&mut self) -> u32 {
        match self {
            Self::World(cx) => u32::try_from(cx.world().random() >> u32::BITS).unwrap_or_default(),
            Self::Seeded(twister) => twister.word(),
        }
    }
}

/// Returns Python's hash of a float: the fraction modulo a prime, as an unsigned word.
fn hash(number: f64) -> u64 {
    const PRIME: u128 = (1 << 61) - 1;
    const FRACTION: u32 = f64::MANTISSA_DIGITS - 1;
    if number.is_infinite() {
        return if number > 0.0 { 314_159 } else { 314_159_u64.wrapping_neg() };
    }
    let bits = number.abs().to_bits();
    let (exponent, fraction) = (bits >> FRACTION, bits & ((1 << FRACTION) - 1));
    let (exponent, mantissa) =
        if exponent == 0 { (1, fraction) } else { (exponent, fraction | 1 << FRACTION) };
    let power = i64::try_from(exponent).unwrap_or_default() - 1075;
    let turned = (u128::from(mantissa) % PRIME) << power.rem_euclid(61);
    let hash = u64::try_from(turned % PRIME).unwrap_or_default();
    if number.is_sign_positive() {
        return hash;
    }
    // -1 says that there is none.
    if hash == 1 { 2_u64.wrapping_neg() } else { hash.wrapping_neg() }
}

/// MT19937.
pub(crate) struct Twister {
    state: [u32; SIZE],
    at: usize,
}

impl Twister {
    fn of(seed: &Value) -> Result<Self, TemplateError> {
        let number = match &seed.0 {
            Repr::Str(text) => return Ok(Self::of_bytes(text.as_bytes())),
            Repr::Bytes(bytes) => return Ok(Self::of_bytes(bytes)),
            Repr::Float(number) => Some(i128::from(hash(*number))),
            _ => seed.as_int(),
        };
        let Some(number) = number else {
            return Err(TemplateError::runtime(
                "The only supported seed types are: None, int, float, str, bytes, and bytearray.",
            ));
        };
        let (mut rest, mut words) = (number.unsigned_abs(), Vec::new());
        while rest > 0 || words.is_empty() {
            words.push(u32::try_from(rest & u128::from(u32::MAX)).unwrap_or_default());
            rest >>= u32::BITS;
        }
        Ok(Self::of_words(&words))
    }

    /// A text and its digest are read as one number, the highest byte first.
    fn of_bytes(text: &[u8]) -> Self {
        let mut bytes = text.to_vec();
        bytes.extend_from_slice(&Sha512::digest(text));
        let word = |chunk: &[u8]| chunk.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
        bytes.reverse();
        let mut words: Vec<u32> = bytes.chunks(4).map(word).collect();
        while words.len() > 1 && words.last() == Some(&0) {
            words.pop();
        }
        Self::of_words(&words)
    }

    fn of_number(seed: u32) -> Self {
        let mut state = [seed; SIZE];
        let mut last = seed;
        for (place, at) in state.iter_mut().skip(1).zip(1_u32..) {
            last = 1_812_433_253_u32.wrapping_mul(last ^ (last >> 30)).wrapping_add(at);
            *place = last;
        }
        Self { state, at: SIZE }
    }

    fn of_words(words: &[u32]) -> Self {
        let mut twister = Self::of_number(19_650_218);
        let mut place = 1;
        for round in 0..SIZE.max(words.len()) {
            let at = round % words.len().max(1);
            let word = words.get(at).copied().unwrap_or_default();
            let add = word.wrapping_add(u32::try_from(at).unwrap_or_default());
            place = twister.stir(place, 1_664_525, |mixed| mixed.wrapping_add(add));
        }
        for _ in 1..SIZE {
            let subtract = u32::try_from(place).unwrap_or_default();
            place = twister.stir(place, 1_566_083_941, |mixed| mixed.wrapping_sub(subtract));
        }
        twister.put(0, 0x8000_0000);
        twister
    }

    fn get(&self, at: usize) -> u32 {
        self.state.get(at % SIZE).copied().unwrap_or_default()
    }

    fn put(&mut self, at: usize, word: u32) {
        if let Some(place) = self.state.get_mut(at) {
            *place = word;
        }
    }

    /// Mixes one word with the one before it, and returns the next place.
    fn stir(&mut self, place: usize, factor: u32, change: impl Fn(u32) -> u32) -> usize {
        let before = self.get(place - 1);
        let mixed = self.get(place) ^ (before ^ (before >> 30)).wrapping_mul(factor);
        self.put(place, change(mixed));
        if place + 1 < SIZE {
            return place + 1;
        }
        self.put(0, self.get(SIZE - 1));
        1
    }

    fn word(&mut self) -> u32 {
        if self.at >= SIZE {
            for at in 0..SIZE {
                let joined = (self.get(at) & 0x8000_0000) | (self.get(at + 1) & 0x7fff_ffff);
                let twist = if joined & 1 == 0 { 0 } else { 0x9908_b0df };
                self.put(at, self.get(at + MIDDLE) ^ (joined >> 1) ^ twist);
            }
            self.at = 0;
        }
        let mut word = self.get(self.at);
        self.at += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(seed: &Value) -> Vec<u128> {
        let mut dice = Dice::Seeded(Box::new(Twister::of(seed).expect("a seed")));
        (0..3).map(|_| dice.below(1000)).collect()
    }

    #[test]
    fn a_seed_gives_pythons_numbers() {
        assert_eq!(numbers(&1_i64.into()), [137, 582, 867]);
        assert_eq!(numbers(&"host".into()), [94, 331, 810]);
        let mut dice = Dice::Seeded(Box::new(Twister::of(&"host".into()).expect("a seed")));
        assert_eq!(dice.below(10_u128.pow(25)), 6_477_506_077_612_810_351_608_817);
    }
}
