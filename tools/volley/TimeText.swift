import FoundationEssentials

/// A time of day, to the nanosecond: `2026-11-23 01:02:03.000000004`.
func timeText(_ nanosecondsSinceEpoch: Int64) -> String {
    let (quotient, remainder) = nanosecondsSinceEpoch.quotientAndRemainder(dividingBy: 1_000_000_000)
    let (seconds, fraction) = remainder < 0 ? (quotient - 1, remainder + 1_000_000_000) : (quotient, remainder)
    let style = Date.ISO8601FormatStyle(dateTimeSeparator: .space).year().month().day()
        .time(includingFractionalSeconds: false)
    let digits = String(fraction)
    return Date(timeIntervalSince1970: Double(seconds)).formatted(style) + "."
        + String(repeating: "0", count: 9 - digits.count) + digits
}
