//! Floor 1: plain data of the product, in the words of `ARCHITECTURE.md`, and the contracts between
//! floors. No I/O, no policy.

pub mod budget;
pub mod calibration;
pub mod comparison;
pub mod contract;
pub mod event;
pub mod family;
pub mod fault;
pub mod generation;
pub mod judgement;
pub mod limits;
pub mod measure;
pub mod message;
pub mod pairwise;
pub mod params;
pub mod run;
pub mod sample;
pub mod score;
pub mod slice;
pub mod target;
pub mod trial;
