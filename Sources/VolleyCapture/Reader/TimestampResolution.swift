/// The unit of an interface's time stamps (pcapng `if_tsresol`) and what is added to them (`if_tsoffset`).
struct TimestampResolution: Equatable {
    /// The exponent: units are 10^-exponent or 2^-exponent seconds.
    var exponent: UInt8 = 6
    /// Whether the base is 2.
    var isBinary = false
    /// Seconds added to every time stamp.
    var offsetSeconds: Int64 = 0

    static let microseconds = TimestampResolution()

    /// The option's byte: the most significant bit tells the base, the others are the exponent.
    mutating func setResolution(option byte: UInt8) {
        isBinary = byte & 0x80 != 0
        exponent = byte & 0x7f
    }

    /// Nanoseconds in a unit, if that is a whole number and nothing is to be added.
    var nanosecondsPerUnit: UInt64? {
        guard !isBinary, exponent <= 9, offsetSeconds == 0 else { return nil }
        return Self.powerOfTen(9 - Int(exponent))
    }

    /// Nanoseconds since the epoch for a time stamp of this interface; what does not fit 64 bits is clamped, finer
    /// units are rounded down.
    func nanoseconds(_ units: UInt64) -> Int64 {
        Int64(clamping: exactNanoseconds(units))
    }

    /// Whether a time stamp of this interface does not fit 64 bits of nanoseconds.
    func isClamped(_ units: UInt64) -> Bool { Int64(exactly: exactNanoseconds(units)) == nil }

    /// No more than 94 bits.
    private func exactNanoseconds(_ units: UInt64) -> Int128 {
        (isBinary ? binary(units) : decimal(units)) + Int128(offsetSeconds) * 1_000_000_000
    }

    private func decimal(_ units: UInt64) -> Int128 {
        if exponent <= 9 { return Int128(units) * Int128(Self.powerOfTen(9 - Int(exponent))) }
        // Ten to the twentieth is more than any number of units.
        guard exponent - 9 < 20 else { return 0 }
        return Int128(units / Self.powerOfTen(Int(exponent) - 9))
    }

    private func binary(_ units: UInt64) -> Int128 { (Int128(units) * 1_000_000_000) >> Int128(exponent) }

    private static func powerOfTen(_ exponent: Int) -> UInt64 {
        var power: UInt64 = 1
        for _ in 0..<exponent { power *= 10 }
        return power
    }
}
