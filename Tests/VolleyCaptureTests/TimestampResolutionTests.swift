import Testing

@testable import VolleyCapture

@Suite struct TimestampResolutionTests {
    private func nanoseconds(_ units: UInt64, option: UInt8, offset: Int64 = 0) -> Int64 {
        var resolution = TimestampResolution.microseconds
        resolution.setResolution(option: option)
        resolution.offsetSeconds = offset
        return resolution.nanoseconds(units)
    }

    @Test func microsecondsUnlessTold() {
        #expect(TimestampResolution.microseconds.nanoseconds(1_700_000_000_123_456) == 1_700_000_000_123_456_000)
    }

    @Test(
        arguments: [
            (0, 17, 17_000_000_000), (3, 1_234, 1_234_000_000), (6, 5, 5_000), (9, 5, 5),
            (12, 5_999, 5), (28, 10_000_000_000_000_000_000, 1), (29, .max, 0), (127, .max, 0),
        ] as [(UInt8, UInt64, Int64)])
    func decimalUnits(exponent: UInt8, units: UInt64, expected: Int64) {
        #expect(nanoseconds(units, option: exponent) == expected)
    }

    @Test(
        arguments: [
            (0, 3, 3_000_000_000), (8, 384, 1_500_000_000), (32, 0x8000_0000, 500_000_000),
            (30, 1, 0), (64, 1 << 63, 500_000_000), (127, .max, 0),
        ] as [(UInt8, UInt64, Int64)])
    func binaryUnits(exponent: UInt8, units: UInt64, expected: Int64) {
        #expect(nanoseconds(units, option: 0x80 | exponent) == expected)
    }

    @Test func offsetsAreSeconds() {
        #expect(nanoseconds(1_500, option: 3, offset: 1_000_000) == 1_000_001_500_000_000)
        #expect(nanoseconds(0, option: 9, offset: -2) == -2_000_000_000)
    }

    @Test func whatDoesNotFitIsClamped() {
        #expect(nanoseconds(.max, option: 0) == .max)
        #expect(nanoseconds(.max, option: 9) == .max)
        #expect(nanoseconds(.max, option: 0x80) == .max)
        #expect(nanoseconds(0, option: 9, offset: .max) == .max)
        #expect(nanoseconds(0, option: 9, offset: .min) == .min)
        #expect(nanoseconds(.max >> 1, option: 9, offset: 9_000_000_000) == .max)
    }
}
