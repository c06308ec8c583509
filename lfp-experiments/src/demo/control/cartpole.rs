//! CartPole: a cart that keeps a pole upright by being pushed to the left or right.

use std::{f64::consts::PI, ops::Range};

use super::environment::Mechanism;

/// CartPole-v1 of Gymnasium, after Barto, Sutton and Anderson (1983): the same constants, the same steps of Euler's method, the
/// same ends. Every step is worth 1, the last one included.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CartPole {
    /// Of the cart, m.
    position: f64,
    /// Of the cart, m/s.
    speed: f64,
    /// Of the pole from the vertical, rad.
    angle: f64,
    /// Of the pole, rad/s.
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
const STEEPEST: f64 = 12.0 * PI / 180.0;
/// What the network sees as 1: the ends of an episode, and speeds of about that size.
const SCALE: CartPole = CartPole {
    position: FARTHEST,
    speed: 2.0,
    angle: STEEPEST,
    turning: 2.0,
};

impl CartPole {
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
}

impl Mechanism for CartPole {
    const NAME: &'static str = "cartpole";
    const TITLE: &'static str = "CartPole";
    const NUMBERS: usize = 4;
    const ACTIONS: usize = 2;
    const RETURNS: Range<f64> = 0.0..500.0;
    const START: f64 = 0.05;

    fn from_numbers([position, speed, angle, turning]: [f64; 4]) -> Self {
        Self {
            position,
            speed,
            angle,
            turning,
        }
    }

    /// Action 0 pushes to the left, any other to the right.
    fn after(self, action: usize) -> Self {
        self.pushed(if action == 0 { -FORCE } else { FORCE })
    }

    fn has_ended(self) -> bool {
        self.position.abs() > FARTHEST || self.angle.abs() > STEEPEST
    }

    fn reward(self) -> f64 {
        1.0
    }

    fn observed(self) -> Vec<f64> {
        vec![
            self.position / SCALE.position,
            self.speed / SCALE.speed,
            self.angle / SCALE.angle,
            self.turning / SCALE.turning,
        ]
    }
}

#[cfg(test)]
mod tests {
    use burn_rl::Environment;
    use lfp_burn::rl::Action;

    use super::{super::environment::Simulation, *};

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} for {expected}");
    }

    #[test]
    fn a_push_at_rest_moves_cart_and_pole_as_derived_by_hand() {
        // Upright and at rest: pushed = F / 1.1; angular = -pushed / (0.5 (4/3 - 0.1/1.1)) = -pushed / (41/66)
        // = -66/41 pushed; the cart: pushed + 0.05/1.1 * 66/41 pushed = (1 + 3/41) pushed.
        let pushed = 10.0 / 1.1;
        let after = CartPole::default().pushed(10.0);
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
        let leaning = CartPole {
            angle: 0.1,
            ..CartPole::default()
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
                CartPole {
                    position: 2.4,
                    ..CartPole::default()
                },
                false,
            ),
            (
                CartPole {
                    position: 2.39,
                    speed: 1.0,
                    ..CartPole::default()
                },
                true,
            ),
            (
                CartPole {
                    position: -2.39,
                    speed: -1.0,
                    ..CartPole::default()
                },
                true,
            ),
            (
                CartPole {
                    angle: 0.2094,
                    ..CartPole::default()
                },
                false,
            ),
            (
                CartPole {
                    angle: 0.2094,
                    turning: 0.1,
                    ..CartPole::default()
                },
                true,
            ),
            (
                CartPole {
                    angle: -0.2094,
                    turning: -0.1,
                    ..CartPole::default()
                },
                true,
            ),
        ] {
            let after = state.after(1);
            assert_eq!(after.has_ended(), ends, "{state:?}");
            assert_eq!(after.reward(), 1.0);
        }
    }

    #[test]
    fn an_episode_is_cut_after_500_steps_and_starts_anew_near_rest() {
        let mut environment = Simulation::<CartPole>::new(3);
        for step in 1..=500 {
            // A pole at rest stays up.
            environment.mechanism = CartPole::default();
            assert_eq!(environment.step(Action(step % 2)).truncated, step == 500);
        }
        environment.reset();
        let state = environment.mechanism;
        let numbers = [state.position, state.speed, state.angle, state.turning];
        assert!(
            numbers
                .iter()
                .all(|number| number.abs() <= 0.05 && *number != 0.0)
        );
        assert!(!environment.step(Action(0)).truncated);
    }
}
