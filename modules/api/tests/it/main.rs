//! Parameters and states through the derives.

mod params;
mod state;
mod unknown;
