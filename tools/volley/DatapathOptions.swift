import ArgumentParser
import Volley

/// The options of `volley serve` that say how datagrams are received and sent.
struct DatapathOptions: ParsableArguments {
    @Flag(
        inversion: .prefixedNo,
        help: """
            Receive trains of datagrams whole where they come as such (UDP_GRO); a dropped train counts as one datagram.
            """
    )
    var gro = false

    @Flag(inversion: .prefixedNo, help: "Send runs of datagrams of one length to one peer as trains (UDP_SEGMENT).")
    var gso = true

    @Option(
        help: ArgumentHelp(
            "What to learn about each datagram: address, timestamp, ecn, ttl, drops.", valueName: "list"),
        transform: parseMetadata)
    var metadata: DatagramMetadata = []

    @Option(
        name: .customLong("error-queue"),
        help: ArgumentHelp(
            "Whose ICMP errors to learn in full (IP_RECVERR): off, connected, all.", valueName: "reception"))
    private var errorQueue = Reception.off

    /// ``ErrorReception`` in the words of the command line.
    private enum Reception: String, ExpressibleByArgument, CaseIterable {
        case off, connected, all

        var value: ErrorReception {
            switch self {
            case .off: .off
            case .connected: .connected
            case .all: .all
            }
        }
    }

    func apply(to options: inout DatagramOptions) {
        options.usesGRO = gro
        options.usesGSO = gso
        options.metadata = metadata
        options.receivesErrors = errorQueue.value
    }
}

/// A comma-separated list of metadata, or what is wrong with it.
private func parseMetadata(_ argument: String) throws -> DatagramMetadata {
    let names: [String: DatagramMetadata] = [
        "address": .localAddress, "timestamp": .timestamp, "ecn": .trafficClass, "ttl": .hopLimit, "drops": .drops,
    ]
    var metadata: DatagramMetadata = []
    for name in argument.split(separator: ",", omittingEmptySubsequences: false) {
        guard let member = names[String(name)] else {
            throw ValidationError(
                "'\(name)' is none of \(names.keys.sorted().joined(separator: ", ")), which are separated by commas.")
        }
        metadata.formUnion(member)
    }
    return metadata
}
