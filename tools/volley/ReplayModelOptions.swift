import ArgumentParser
import VolleyCore
import VolleyReplay

/// What the host of an offline replay is like: its socket, its buffers, its network.
struct ReplayModelOptions: ParsableArguments {
    enum Order: String, ExpressibleByArgument, CaseIterable { case capture, kernel }

    @Option(
        help: ArgumentHelp(
            "Which endpoints hear of every ICMP error, as with IP_RECVERR: off, connected (--as client:…,peer=…) or all. "
                + "(default: off)", valueName: "endpoints"), transform: parseErrorReception)
    var receiveErrors: ErrorReception?

    @Option(
        help: ArgumentHelp(
            "Errors come at their place in the capture, or as a socket of Linux has them. (default: capture)",
            valueName: "capture|kernel"))
    var errorOrder: Order?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How many datagrams a batch has at most. (default: 64)", valueName: "count"))
    var batchSize: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How long after the first datagram of a batch others join it. (default: 0)", valueName: "time"),
        transform: parseTimeSpan)
    var batchWindow: Duration?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How long the service is busy with each batch; what arrives then waits in the receive buffer. "
                + "(default: 0)", valueName: "time"), transform: parseTimeSpan)
    var turnDuration: Duration?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "What the receive buffer holds, 768 bytes a datagram beside its own. (default: 212992)",
            valueName: "bytes"))
    var receiveBuffer: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The largest IP packet that can be sent; others fail with EMSGSIZE.", valueName: "bytes"))
    var mtu: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "What leaves the send buffer in a second, headers included; unless given, anything.",
            valueName: "bytes"))
    var sendRate: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("What the send buffer holds. (default: 212992)", valueName: "bytes"))
    var sendBuffer: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "When writing resumes, pauses, and drops, of what waits for the send buffer. "
                + "(default: 16384,65536,4194304)", valueName: "low,high,maximum"), transform: parseWriteBufferLimits)
    var writeLimits: WriteBufferLimits?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("End after so many datagrams were received.", valueName: "count"))
    var maxDatagrams: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How many endpoints --as every-server makes at most; datagrams of more are counted. (default: 65536)",
            valueName: "count"))
    var maxEndpoints: Int?

    /// Those that were given, by name.
    var used: [String] {
        let given: [(String, Bool)] = [
            ("--receive-errors", receiveErrors != nil), ("--error-order", errorOrder != nil),
            ("--batch-size", batchSize != nil), ("--batch-window", batchWindow != nil),
            ("--turn-duration", turnDuration != nil), ("--receive-buffer", receiveBuffer != nil), ("--mtu", mtu != nil),
            ("--send-rate", sendRate != nil), ("--send-buffer", sendBuffer != nil),
            ("--write-limits", writeLimits != nil), ("--max-datagrams", maxDatagrams != nil),
            ("--max-endpoints", maxEndpoints != nil),
        ]
        return given.filter(\.1).map(\.0)
    }

    func validate() throws {
        let ranges: [(name: String, value: Int?, range: ClosedRange<Int>)] = [
            ("--batch-size", batchSize, 1...1_024), ("--receive-buffer", receiveBuffer, 0...1 << 40),
            ("--mtu", mtu, 28...65_575), ("--send-rate", sendRate, 1...1 << 50),
            ("--send-buffer", sendBuffer, 0...1 << 40), ("--max-datagrams", maxDatagrams, 1...Int.max),
            ("--max-endpoints", maxEndpoints, 1...1 << 24),
        ]
        for (name, value, range) in ranges where !range.contains(value ?? range.lowerBound) {
            throw ValidationError(
                range.upperBound == .max
                    ? "\(name) must be \(range.lowerBound) or more."
                    : "\(name) must be \(range.lowerBound) to \(range.upperBound).")
        }
    }

    /// Sets what was given.
    func apply(to options: inout ReplayOptions) {
        if let receiveErrors { options.receivesErrors = receiveErrors }
        if let errorOrder { options.errorOrder = errorOrder == .kernel ? .kernel : .capture }
        if let batchSize { options.batchSize = batchSize }
        if let batchWindow { options.coalescing = batchWindow }
        if let turnDuration { options.turnDuration = turnDuration }
        if let receiveBuffer { options.receiveBufferSize = receiveBuffer }
        options.mtu = mtu
        options.sendRate = sendRate
        if let sendBuffer { options.sendBufferSize = sendBuffer }
        if let writeLimits { options.writeBufferLimits = writeLimits }
        options.datagramsMax = maxDatagrams
        if let maxEndpoints { options.endpointsMax = maxEndpoints }
    }
}

/// Limits of the write buffer from the command line: `16384,65536,4194304`.
func parseWriteBufferLimits(_ argument: String) throws -> WriteBufferLimits {
    let numbers = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard numbers.count == 3, let low = numbers[0], let high = numbers[1], let maximum = numbers[2] else {
        throw ValidationError("\"\(argument)\" is no limits: write low, high and maximum, as 16384,65536,4194304.")
    }
    do {
        return try WriteBufferLimits(low: low, high: high, maximum: maximum)
    } catch {
        throw ValidationError("\(error)")
    }
}

/// Who hears of errors, from the command line.
func parseErrorReception(_ argument: String) throws -> ErrorReception {
    guard let reception = ErrorReception(rawValue: argument) else {
        throw ValidationError("endpoints that hear of errors are off, connected or all.")
    }
    return reception
}
