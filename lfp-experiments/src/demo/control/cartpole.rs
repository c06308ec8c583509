//! CartPole: a cart that keeps a pole upright by being pushed to the left or right.

use burn_rl::{Environment, StepResult};
use lfp_burn::rl::{Action, Observation};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::environment::Task;

/// CartPole-v1 of Gymnasium, after Barto, Sutton and Anderson (1983): the same constants, the same steps of Euler's method, the
/// same ends. Every step is worth 1, the last one included.
#[derive(Debug)]
pub struct CartPole {
    state: State,
    steps: usize,
    random: StdRng,
}

/// Position and speed of the cart (m, m/s), angle from the vertical and angular speed of the pole (rad, rad/s).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct State {
    position: f64,
    speed: f64,
    angle: f64,
    turning: f64,
}

const GRAVITY: f64 = 9.8;
const CART_MASS: f64 = 1.0;
const POLE_MASS: f64 = 0.1;
const TOTAL_MASS: f64 = CART_MASS + POLE_MASS;
/// Half of the pole, m.
const HALF_LENGTH: f64 = 0.5;
/// Of a push, N.
const FORCE: f64 = 10.0;
/// Of a step, s.
const DURATION: f64 = 0.02;
/// An episode ends beyond either.
const FARTHEST: f64 = 2.4;
const STEEPEST: f64 = 12.0 * std::f64::consts::PI / 180.0;
/// Numbers of the first state are drawn from either side of 0.
const START: f64 = 0.05;
/// What the network sees as 1: the ends of an episode, and speeds of about that size.
const SCALE: State = State {
    position: FARTHEST,
    speed: 2.0,
    angle: STEEPEST,
    turning: 2.0,
};

impl State {
    /// The state after a step with a force, by Euler's method.
    fn pushed(self, force: f64) -> Self {
        let (sine, cosine) = self.angle.sin_cos();
        let moment = POLE_MASS * HALF_LENGTH;
        let pushed = (force + moment * self.turning.powi(2) * sine) / TOTAL_MASS;
        let inertia = HALF_LENGTH * (4.0 / 3.0 - POLE_MASS * cosine.powi(2) / TOTAL_MASS);
        let angular = (GRAVITY * sine - cosine * pushed) / inertia;
        let acceleration = pushed - moment * angular * cosine / TOTAL_MASS;
        Self {
            position: self.position + DURATION * self.speed,
            speed: self.speed + DURATION * acceleration,
            angle: self.angle + DURATION * self.turning,
            turning: self.turning + DURATION * angular,
        }
    }

    fn has_failed(self) -> bool {
        self.position.abs() > FARTHEST || self.angle.abs() > STEEPEST
    }
}

impl Task for CartPole {
    const NAME: &'static str = "cartpole";
    const TITLE: &'static str = "CartPole";
    const NUMBERS: usize = 4;
    const ACTIONS: usize = 2;
    const RETURNS: std::ops::Range<f64> = 0.0..500.0;

    fn new(seed: u64) -> Self {
        let mut environment = Self {
            state: State::default(),
            steps: 0,
            random: StdRng::seed_from_u64(seed),
        };
        environment.reset();
        environment
    }
}

impl Environment for CartPole {
    type State = Observation;
    type Action = Action;

    const MAX_STEPS: usize = 500;

    fn state(&self) -> Observation {
        let State {
            position,
            speed,
            angle,
            turning,
        } = self.state;
        let numbers = [
            position / SCALE.position,
            speed / SCALE.speed,
            angle / SCALE.angle,
            turning / SCALE.turning,
        ];
        Observation(numbers.map(|number| number as f32).into())
    }

    /// Action 0 pushes to the left, any other to the right.
    fn step(&mut self, Action(action): Action) -> StepResult<Observation> {
        self.state = self.state.pushed(if action == 0 { -FORCE } else { FORCE });
        self.steps += 1;
        StepResult {
            next_state: self.state(),
            reward: 1.0,
            done: self.state.has_failed(),
            truncated: self.steps >= Self::MAX_STEPS,
        }
    }

    fn reset(&mut self) {
        let [position, speed, angle, turning] =
            std::array::from_fn(|_| self.random.random_range(-START..START));
        self.state = State {
            position,
            speed,
            angle,
            turning,
        };
        self.steps = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} for {expected}");
    }

    #[test]
    fn a_push_at_rest_moves_cart_and_pole_as_derived_by_hand() {
        // Upright and at rest: pushed = F / 1.1; angular = -pushed / (0.5 (4/3 - 0.1/1.1)) = -pushed / (41/66)
        // = -66/41 pushed; the cart: pushed + 0.05/1.1 * 66/41 pushed = (1 + 3/41) pushed.
        let pushed = 10.0 / 1.1;
        let after = State::default().pushed(10.0);
        close(after.position, 0.0);
        close(after.angle, 0.0);
        close(after.speed, 0.02 * pushed * 44.0 / 41.0);
        close(after.turning, -0.02 * pushed * 66.0 / 41.0);
        // Positions follow with the speeds of the step before.
        let next = after.pushed(-10.0);
        close(next.position, 0.02 * after.speed);
        close(next.angle, 0.02 * after.turning);
    }

    #[test]
    fn a_pole_that_leans_falls_further_and_pushes_the_cart_away() {
        let leaning = State {
            angle: 0.1,
            ..State::default()
        };
        let after = leaning.pushed(0.0);
        let (sine, cosine) = 0.1f64.sin_cos();
        let angular = 9.8 * sine / (0.5 * (4.0 / 3.0 - 0.1 * cosine * cosine / 1.1));
        close(after.turning, 0.02 * angular);
        close(after.speed, -0.02 * 0.05 * angular * cosine / 1.1);
    }

    #[test]
    fn an_episode_ends_at_the_limits_of_track_and_angle() {
        for (state, ends) in [
            (
                State {
                    position: 2.4,
                    ..State::default()
                },
                false,
            ),
            (
                State {
                    position: 2.39,
                    speed: 1.0,
                    ..State::default()
                },
                true,
            ),
            (
                State {
                    position: -2.39,
                    speed: -1.0,
                    ..State::default()
                },
                true,
            ),
            (
                State {
                    angle: 0.2094,
                    ..State::default()
                },
                false,
            ),
            (
                State {
                    angle: 0.2094,
                    turning: 0.1,
                    ..State::default()
                },
                true,
            ),
            (
                State {
                    angle: -0.2094,
                    turning: -0.1,
                    ..State::default()
                },
                true,
            ),
        ] {
            let mut environment = CartPole::new(0);
            environment.state = state;
            let result = environment.step(Action(1));
            assert_eq!(result.done, ends, "{state:?}");
            assert!(result.reward == 1.0 && !result.truncated);
        }
    }

    #[test]
    fn an_episode_is_cut_after_500_steps_and_starts_anew_near_rest() {
        let mut environment = CartPole::new(3);
        for step in 1..=500 {
            // A pole at rest stays up.
            environment.state = State::default();
            assert_eq!(environment.step(Action(step % 2)).truncated, step == 500);
        }
        environment.reset();
        let state = environment.state;
        let numbers = [state.position, state.speed, state.angle, state.turning];
        assert!(
            numbers
                .iter()
                .all(|number| number.abs() <= 0.05 && *number != 0.0)
        );
        assert!(!environment.step(Action(0)).truncated);
    }
}
