//! Acrobot: two links hang from a pivot, and a motor at the elbow swings them up.

use std::{
    f64::consts::{FRAC_PI_2, PI},
    ops::Range,
};

use super::environment::Mechanism;

/// Acrobot-v1 of Gymnasium, after Sutton (1996) with the dynamics of Sutton and Barto's book: the same constants, one step of
/// the Runge-Kutta method of fourth order. Every step is worth -1, except the one in which the tip rises above one link's
/// length over the pivot, which ends the episode and is worth 0.
#[derive(Clone, Copy, Debug)]
pub struct Acrobot(State);

/// Angles and angular speeds of upper and lower link: the first from hanging down, the second from the first (rad, rad/s).
type State = [f64; 4];

const GRAVITY: f64 = 9.8;
/// Of the upper link; only its length matters beside the rest.
const LENGTH: f64 = 1.0;
/// Of either link.
const MASS: f64 = 1.0;
/// From a link's joint to its centre of mass.
const CENTRE: f64 = 0.5;
const INERTIA: f64 = 1.0;
/// Of a step, s.
const DURATION: f64 = 0.2;
const FASTEST: [f64; 2] = [4.0 * PI, 9.0 * PI];
/// What the network sees as 1: speeds of about that size.
const SCALE: [f64; 2] = [3.0, 6.0];

/// How the state changes under a torque.
fn change([upper, lower, upper_speed, lower_speed]: State, torque: f64) -> State {
    let arm = MASS * LENGTH * CENTRE;
    let own = MASS * CENTRE * CENTRE + INERTIA;
    let (sine, cosine) = lower.sin_cos();
    let d1 = own + MASS * LENGTH * LENGTH + own + 2.0 * arm * cosine;
    let d2 = own + arm * cosine;
    let phi2 = MASS * CENTRE * GRAVITY * (upper + lower - FRAC_PI_2).cos();
    let phi1 = -arm * lower_speed * (lower_speed + 2.0 * upper_speed) * sine
        + MASS * (CENTRE + LENGTH) * GRAVITY * (upper - FRAC_PI_2).cos()
        + phi2;
    let forces = torque + d2 / d1 * phi1 - arm * upper_speed * upper_speed * sine - phi2;
    let lower_acceleration = forces / (own - d2 * d2 / d1);
    let upper_acceleration = -(d2 * lower_acceleration + phi1) / d1;
    [
        upper_speed,
        lower_speed,
        upper_acceleration,
        lower_acceleration,
    ]
}

/// The state after a step, by the Runge-Kutta method of fourth order; angles within a turn, speeds within their limits.
fn turned(state: State, torque: f64) -> State {
    let after = |slope: State, time: f64| -> State {
        std::array::from_fn(|number| state[number] + time * slope[number])
    };
    let k1 = change(state, torque);
    let k2 = change(after(k1, DURATION / 2.0), torque);
    let k3 = change(after(k2, DURATION / 2.0), torque);
    let k4 = change(after(k3, DURATION), torque);
    let slope = std::array::from_fn(|number| {
        (k1[number] + 2.0 * (k2[number] + k3[number]) + k4[number]) / 6.0
    });
    let [upper, lower, upper_speed, lower_speed] = after(slope, DURATION);
    let within = |angle: f64| (angle + PI).rem_euclid(2.0 * PI) - PI;
    [
        within(upper),
        within(lower),
        upper_speed.clamp(-FASTEST[0], FASTEST[0]),
        lower_speed.clamp(-FASTEST[1], FASTEST[1]),
    ]
}

/// Of the tip over the pivot.
fn height([upper, lower, ..]: State) -> f64 {
    -upper.cos() - (upper + lower).cos()
}

impl Mechanism for Acrobot {
    const NAME: &'static str = "acrobot";
    const TITLE: &'static str = "Acrobot";
    const NUMBERS: usize = 6;
    const ACTIONS: usize = 3;
    const RETURNS: Range<f64> = -500.0..0.0;
    const START: f64 = 0.1;

    fn from_numbers(numbers: [f64; 4]) -> Self {
        Self(numbers)
    }

    /// Actions 0, 1 and 2 are torques of -1, 0 and 1.
    fn after(self, action: usize) -> Self {
        Self(turned(self.0, action as f64 - 1.0))
    }

    fn has_ended(self) -> bool {
        height(self.0) > LENGTH
    }

    fn reward(self) -> f64 {
        if self.has_ended() { 0.0 } else { -1.0 }
    }

    fn observed(self) -> Vec<f64> {
        let [upper, lower, upper_speed, lower_speed] = self.0;
        vec![
            upper.cos(),
            upper.sin(),
            lower.cos(),
            lower.sin(),
            upper_speed / SCALE[0],
            lower_speed / SCALE[1],
        ]
    }
}

#[cfg(test)]
mod tests {
    use burn_rl::Environment;
    use lfp_burn::rl::Action;

    use super::{super::environment::Simulation, *};

    /// Kinetic and potential energy of two rods whose centres are at half their lengths.
    fn energy(state: State) -> f64 {
        let [upper, lower, first, second] = state;
        let both = first + second;
        // The elbow moves with the speed of the upper link; the lower centre adds its own.
        let lower_speed = first.powi(2) + 0.25 * both.powi(2) + first * both * lower.cos();
        let kinetic = 0.5 * (0.25 + 1.0) * first.powi(2) + 0.5 * (lower_speed + both.powi(2));
        let potential = -0.5 * upper.cos() - upper.cos() - 0.5 * (upper + lower).cos();
        kinetic + 9.8 * potential
    }

    #[test]
    fn without_torque_the_energy_stays() {
        // The dynamics of Gymnasium against the energy of the mechanism, which they do not mention.
        for state in [[0.7, -0.4, 0.3, -0.2], [2.5, 1.9, -3.0, 5.0]] {
            let slope = change(state, 0.0);
            let near = |time: f64| {
                energy(std::array::from_fn(|number| {
                    state[number] + time * slope[number]
                }))
            };
            let power = (near(1e-5) - near(-1e-5)) / 2e-5;
            assert!(power.abs() < 1e-6, "{power}");
        }
        // A step of 0.2 s is long: the method is off by 0.017, and by 3e-7 with steps of 0.02 s.
        let mut state = [0.7, -0.4, 0.3, -0.2];
        let before = energy(state);
        for _ in 0..20 {
            state = turned(state, 0.0);
            assert!(
                (energy(state) - before).abs() < 0.02,
                "{} for {before}",
                energy(state)
            );
        }
    }

    #[test]
    fn it_hangs_at_rest_and_a_torque_bends_the_elbow() {
        let rest = turned([0.0; 4], 0.0);
        assert!(rest.iter().all(|number| number.abs() < 1e-12), "{rest:?}");
        // Hanging: d1 = 2 * 1.25 + 1 + 1 = 4.5, d2 = 1.75, so the elbow accelerates by 1 / (1.25 - 1.75^2 / 4.5).
        let [.., upper, lower] = change([0.0; 4], 1.0);
        let expected = 1.0 / (1.25 - 1.75 * 1.75 / 4.5);
        assert!((lower - expected).abs() < 1e-12);
        assert!((upper + 1.75 / 4.5 * expected).abs() < 1e-12);
    }

    #[test]
    fn an_episode_ends_when_the_tip_is_high_enough() {
        for (state, ends) in [
            ([0.0; 4], false),
            ([PI, 0.0, 0.0, 0.0], true),
            ([2.0, 0.0, 0.0, 0.0], false),
        ] {
            let after = Acrobot(state).after(1);
            assert_eq!(
                (after.has_ended(), after.reward()),
                (ends, if ends { 0.0 } else { -1.0 })
            );
        }
    }

    #[test]
    fn angles_and_speeds_stay_within_their_limits() {
        let [upper, lower, upper_speed, lower_speed] = turned([3.1, -3.1, 12.5, -28.0], 1.0);
        assert!(upper.abs() <= PI && lower.abs() <= PI);
        assert!(upper_speed.abs() <= 4.0 * PI && lower_speed.abs() <= 9.0 * PI);
    }

    #[test]
    fn an_episode_is_cut_after_500_steps() {
        let mut environment = Simulation::<Acrobot>::new(1);
        let ended = (1..=500).find(|_| {
            let result = environment.step(Action(1));
            result.done || result.truncated
        });
        // Without torque it only swings a little.
        assert_eq!(ended, Some(500));
    }
}
