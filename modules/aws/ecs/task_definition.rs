//! The resource behind `ecs_taskdef` and `ecs_taskdefinition`.

mod container;
mod definition;
mod limits;
mod volume;
