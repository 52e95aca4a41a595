import ArgumentParser
import VolleyCore
import VolleyReplay

/// What `volley replay --to` takes beside what all replays do.
struct ReplayLiveOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Send to a real service, live, instead of --into a built-in one; a host has a name or an address.",
            valueName: "host:port"), transform: ServiceAddress.init(parsing:))
    var to: ServiceAddress?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Live: send this many times as fast as captured. (default: 1)", valueName: "factor"))
    var speed: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Live: send at equal distances, this many datagrams a second.", valueName: "rate"))
    var pps: Double?

    @Flag(help: "Live: send as fast as possible.")
    var topSpeed = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Live: send the capture this many times.", valueName: "count"))
    var loop = 1

    @Option(
        help: ArgumentHelp(
            "Live: what to do with what is over 1 ms late: burst sends it at once, skip leaves it out, shift sends it "
                + "and moves the rest.", valueName: "policy"))
    var catchUp = CatchUpPolicy.burst

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Live: at most this many sockets, one for each client of the capture; more clients share them.",
            valueName: "count"))
    var sockets = 512

    @Flag(
        help: """
            Live: send from the addresses of the capture (IP_TRANSPARENT; takes CAP_NET_ADMIN). Answers come back only if \
            the host routes those addresses to itself.
            """)
    var originalSources = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Wait so long for the last answers; offline, let timers run so long. (default: live 1, offline 0)",
            valueName: "seconds"))
    var drain: Double?

    /// The names of the catch-up policies.
    enum CatchUpPolicy: String, ExpressibleByArgument, CaseIterable {
        case burst, skip, shift

        var value: PacingOptions.CatchUp {
            switch self {
            case .burst: .burst
            case .skip: .skip
            case .shift: .shift
            }
        }
    }

    func validate() throws {
        let paces = [speed != nil, pps != nil, topSpeed].filter { $0 }.count
        guard paces <= 1 else { throw ValidationError("--speed, --pps and --top-speed exclude each other.") }
        if let speed, !(speed > 0 && speed <= 1e9) {
            throw ValidationError("--speed must be a number over 0 and at most 1,000,000,000.")
        }
        if let pps, !(pps > 0 && pps <= 1e9) {
            throw ValidationError("--pps must be a number over 0 and at most 1,000,000,000.")
        }
        guard loop >= 1 else { throw ValidationError("--loop must be 1 or more.") }
        guard (1...65_536).contains(sockets) else { throw ValidationError("--sockets must be 1 to 65,536.") }
        guard 0...1e6 ~= drain ?? 0 else { throw ValidationError("--drain must be 0 to 1,000,000 seconds.") }
        guard to == nil, paces > 0 || loop > 1 || originalSources else { return }
        throw ValidationError(
            "--speed, --pps, --top-speed, --loop and --original-sources take a live replay: add --to.")
    }

    /// The same for the schedule.
    func pacing(maxGap: Duration?) -> PacingOptions {
        var pacing = PacingOptions()
        if let speed { pacing.pace = .captured(speed: speed) }
        if let pps { pacing.pace = .rate(pps) }
        if topSpeed { pacing.pace = .topSpeed }
        pacing.maxGap = maxGap
        pacing.catchUp = catchUp.value
        return pacing
    }
}

/// How replies are compared, of every replay.
struct ReplayRuleOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Pair replies by these bytes, as 0-1 or 0-1,4, and not by their order alone; those that are too short for that "
                + "are paired by their order, and counted in a warning.", valueName: "bytes"),
        transform: parseByteRanges)
    var key: [Range<Int>] = []

    @Option(
        help: ArgumentHelp("Bytes of a reply that may differ, as 0-1 or 0-1,4.", valueName: "bytes"),
        transform: parseByteRanges)
    var ignore: [Range<Int>] = []

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("A reply that comes so much after the captured one is late.", valueName: "seconds"))
    var lateAfter: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How many differences are shown.", valueName: "count"))
    var differences = 10

    @Option(
        help: ArgumentHelp(
            "Compare replies as messages of a protocol (dns): whatever says the same is the same, and differences are "
                + "shown decoded.", valueName: "protocol"))
    var golden: GoldenProtocol?

    func validate() throws {
        guard 0...1_000_000 ~= differences else { throw ValidationError("--differences must be 0 to 1,000,000.") }
        if golden != nil, !key.isEmpty || !ignore.isEmpty {
            throw ValidationError("--golden has its own --key and --ignore: leave these out.")
        }
        if let lateAfter, !(lateAfter >= 0 && lateAfter <= 1e9) {
            throw ValidationError("--late-after must be 0 to 1,000,000,000 seconds.")
        }
    }

    var rules: ReplyRules {
        var rules = ReplyRules(key: key, ignoring: ignore, lateAfter: lateAfter.map { .seconds($0) })
        golden?.apply(to: &rules)
        return rules
    }
}

/// Places of bytes from the command line: `0-1,4` are the first two and the fifth.
func parseByteRanges(_ argument: String) throws -> [Range<Int>] {
    try argument.split(separator: ",", omittingEmptySubsequences: false).map { part in
        let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1], first >= 0,
            first <= last, last < 65_536
        else {
            throw ValidationError("\"\(argument)\" names no bytes: write 0-1,4 for the first two and the fifth.")
        }
        return first..<last + 1
    }
}
