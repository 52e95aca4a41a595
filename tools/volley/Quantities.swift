import ArgumentParser

/// A share from the command line: `5%`, or a number from 0 to 1.
func parseShare(_ argument: String) throws -> Double {
    let isPercentage = argument.hasSuffix("%")
    guard let number = Double(isPercentage ? String(argument.dropLast()) : argument) else {
        throw ValidationError("\"\(argument)\" is no share: write 5% or 0.05.")
    }
    let share = isPercentage ? number / 100 : number
    guard (0...1).contains(share) else {
        throw ValidationError("\"\(argument)\" is no share: it is from 0% to 100%, or from 0 to 1.")
    }
    return share
}

/// A length of time from the command line: `20ms`, `100us`, `1.5s`, `2min`; without a unit in seconds.
func parseTimeSpan(_ argument: String) throws -> Duration {
    let units: [(name: String, nanoseconds: Double)] = [
        ("ns", 1), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("min", 60e9), ("h", 3_600e9), ("", 1e9),
    ]
    let digits = argument.prefix { $0.isNumber || $0 == "." }
    guard let number = Double(digits), let unit = units.first(where: { $0.name == argument.dropFirst(digits.count) })
    else { throw ValidationError("\"\(argument)\" is no time: write 20ms, 100us, 1.5s or 2min.") }
    let nanoseconds = (number * unit.nanoseconds).rounded()
    guard nanoseconds <= 1e18 else { throw ValidationError("\"\(argument)\" is too long: 1,000,000,000 s at most.") }
    return .nanoseconds(Int64(nanoseconds))
}
