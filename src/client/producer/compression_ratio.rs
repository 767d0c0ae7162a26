//! How well the batches of a topic are likely to be compressed.
//!
//! Pure. Kafka: `CompressionRatioEstimator`.

/// How much of the estimate is left for a batch that compresses worse than the last ones.
const MARGIN: f32 = 1.05;
/// How fast the estimate follows batches that compress better than expected.
const IMPROVING_STEP: f32 = 0.005;
/// How fast, at least, it follows batches that compress worse than expected.
const DETERIORATING_STEP: f32 = 0.05;

/// Compressed bytes for each byte of records; 1 to begin with.
#[derive(Clone, Copy, Debug)]
#[doc(alias = "CompressionRatioEstimator")]
pub(super) struct CompressionRatio(f32);

impl Default for CompressionRatio {
    fn default() -> Self {
        Self(1.0)
    }
}

impl CompressionRatio {
    /// The ratio to count with. Without a codec every batch has the ratio 1, which needs no margin.
    pub(super) fn estimate(self) -> f32 {
        if self.0 == 1.0 { 1.0 } else { self.0 * MARGIN }
    }

    /// Applies the ratio of a batch that was compressed.
    pub(super) fn observe(&mut self, ratio: f32) {
        if ratio > self.0 {
            self.0 = (self.0 + DETERIORATING_STEP).max(ratio);
        } else {
            self.0 = (self.0 - IMPROVING_STEP).max(ratio);
        }
    }

    /// Applies that a batch was larger than the broker takes.
    pub(super) fn raise(&mut self, ratio: f32) {
        self.0 = ratio.max(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_falls_slowly_and_rises_at_once() {
        let mut ratio = CompressionRatio::default();
        assert_eq!(ratio.estimate(), 1.0);
        for _ in 0..10 {
            ratio.observe(0.3);
        }
        assert!((ratio.0 - 0.95).abs() < 1e-5, "{ratio:?}");
        ratio.observe(0.98);
        assert!((ratio.0 - 1.0).abs() < 1e-5, "at least by a step: {ratio:?}");
        ratio.observe(1.4);
        assert_eq!(ratio.0, 1.4);
        ratio.raise(0.5);
        assert_eq!(ratio.0, 1.0);
    }
}
