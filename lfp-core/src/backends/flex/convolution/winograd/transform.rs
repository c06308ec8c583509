//! The transforms of Winograd's algorithm along one axis.
//!
//! A tile of four outputs of a correlation with three taps is a product of polynomials, computed by evaluation at six
//! points and interpolation (Toom-Cook): the points are 0, `±A`, `±B` and infinity. Of the usual form
//! `y = A^T [(G g) * (B^T d)]`, this module has `B^T` ([`spread`](Transform::spread)), `G` without its scale
//! ([`evaluate`](Transform::evaluate)) and `A^T` ([`interpolate`](Transform::interpolate)). The scale of a point
//! ([`SCALE`]) multiplies the weights.
//!
//! The weight gradient is the correlation of six inputs with four incoming gradients that has three outputs: the same
//! transforms with three and four exchanged.

use pulp::Simd;

/// Inputs of a tile along an axis, and evaluation points.
pub(in super::super) const SPAN: usize = 6;
/// Outputs of a tile along an axis.
pub(in super::super) const STEP: usize = 4;
/// Taps of the kernel along an axis.
pub(in super::super) const TAPS: usize = 3;
/// Products per tile and pair of channels, in place of `STEP * STEP * TAPS * TAPS = 144`.
pub(in super::super) const PRODUCTS: usize = SPAN * SPAN;

/// The points are exact in binary and of magnitudes around one, so that no term of the interpolation dominates: rounding
/// errors are twice those of an ordinary sum in f32, and two fifths of those of the usual points 1 and 2
/// (`tests/winograd/points.py`).
const A: f64 = 0.625;
const B: f64 = 1.5;

/// What `evaluate` leaves out: the denominator of each point's Lagrange polynomial.
pub(super) const SCALE: [f32; SPAN] = {
    let (a, b) = (A * A, B * B);
    let (at_a, at_b) = (0.5 / (a * (a - b)), 0.5 / (b * (b - a)));
    let at_zero = 1.0 / (a * b);
    [
        at_zero as f32,
        at_a as f32,
        at_a as f32,
        at_b as f32,
        at_b as f32,
        1.0,
    ]
};

/// The transforms for vectors of an instruction set, with their coefficients.
#[derive(Clone, Copy)]
pub(super) struct Transform<S: Simd> {
    simd: S,
    a: S::f32s,
    b: S::f32s,
    a2: S::f32s,
    b2: S::f32s,
    a3: S::f32s,
    b3: S::f32s,
    product: S::f32s,
    minus_a: S::f32s,
    minus_b: S::f32s,
    minus_a2: S::f32s,
    minus_b2: S::f32s,
    minus_sum: S::f32s,
}

impl<S: Simd> Transform<S> {
    #[inline(always)]
    pub fn new(simd: S) -> Self {
        let splat = |value: f64| simd.splat_f32s(value as f32);
        Self {
            simd,
            a: splat(A),
            b: splat(B),
            a2: splat(A * A),
            b2: splat(B * B),
            a3: splat(A * A * A),
            b3: splat(B * B * B),
            product: splat(A * A * B * B),
            minus_a: splat(-A),
            minus_b: splat(-B),
            minus_a2: splat(-A * A),
            minus_b2: splat(-B * B),
            minus_sum: splat(-(A * A + B * B)),
        }
    }

    /// `x y + z`
    #[inline(always)]
    fn add(self, x: S::f32s, y: S::f32s, z: S::f32s) -> S::f32s {
        self.simd.mul_add_e_f32s(x, y, z)
    }

    /// `B^T d`
    #[inline(always)]
    pub fn spread(self, d: [S::f32s; SPAN]) -> [S::f32s; SPAN] {
        let even_a = self.add(self.minus_b2, d[2], d[4]);
        let odd_a = self.add(self.minus_b2, d[1], d[3]);
        let even_b = self.add(self.minus_a2, d[2], d[4]);
        let odd_b = self.add(self.minus_a2, d[1], d[3]);
        [
            self.add(self.product, d[0], self.add(self.minus_sum, d[2], d[4])),
            self.add(self.a, odd_a, even_a),
            self.add(self.minus_a, odd_a, even_a),
            self.add(self.b, odd_b, even_b),
            self.add(self.minus_b, odd_b, even_b),
            self.add(self.product, d[1], self.add(self.minus_sum, d[3], d[5])),
        ]
    }

    /// `G g` without its scale: the polynomial with coefficients `g`, three or four, at each point.
    #[inline(always)]
    pub fn evaluate<const N: usize>(self, g: [S::f32s; N]) -> [S::f32s; SPAN] {
        let even = |square| self.add(square, g[2], g[0]);
        let odd = |square| match N {
            4 => self.add(square, g[3], g[1]),
            _ => g[1],
        };
        let (even_a, odd_a) = (even(self.a2), odd(self.a2));
        let (even_b, odd_b) = (even(self.b2), odd(self.b2));
        [
            g[0],
            self.add(self.a, odd_a, even_a),
            self.add(self.minus_a, odd_a, even_a),
            self.add(self.b, odd_b, even_b),
            self.add(self.minus_b, odd_b, even_b),
            g[N - 1],
        ]
    }

    /// `A^T m`, with three or four outputs.
    #[inline(always)]
    pub fn interpolate<const N: usize>(self, m: [S::f32s; SPAN]) -> [S::f32s; N] {
        let plus = |x, y| self.simd.add_f32s(x, y);
        let (sum_a, sum_b) = (plus(m[1], m[2]), plus(m[3], m[4]));
        let difference_a = self.simd.sub_f32s(m[1], m[2]);
        let difference_b = self.simd.sub_f32s(m[3], m[4]);
        let pair = |a, x, b, y| self.add(a, x, self.simd.mul_f32s(b, y));
        let mut outputs = [self.simd.splat_f32s(0.0); N];
        outputs[0] = plus(plus(m[0], sum_a), sum_b);
        outputs[1] = pair(self.a, difference_a, self.b, difference_b);
        outputs[2] = pair(self.a2, sum_a, self.b2, sum_b);
        if N == 4 {
            outputs[3] = pair(self.a3, difference_a, self.b3, difference_b);
        }
        outputs[N - 1] = plus(outputs[N - 1], m[SPAN - 1]);
        outputs
    }
}
