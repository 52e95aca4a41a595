import ArgumentParser
import SystemPackage
import Volley

/// The options that spread a service over several loops.
struct ShardOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Sockets that share the address, each on a thread of its own, 1 to 1024; 0 means one for each processor.",
            valueName: "count"))
    var shards = 1

    @Option(
        name: .customLong("steering"),
        help: "What decides which shard a datagram meets: \(Steering.allValueStrings.joined(separator: ", ")).")
    private var steeringName = Steering.source

    @Flag(help: "Bind each shard's thread to a processor.")
    var pin = false

    /// Checksums of every payload to compute, so that a datagram costs something; for measuring.
    @Option(parsing: .unconditional, help: .hidden)
    var work = 0

    var steering: ShardSteering { steeringName.value }

    /// How the kernel chooses, in the words of the command line.
    private enum Steering: String, ExpressibleByArgument, CaseIterable {
        case source, address, cpu, kernel

        var value: ShardSteering {
            switch self {
            case .source: .sourceHash
            case .address: .sourceAddressHash
            case .cpu: .cpu
            case .kernel: .kernel
            }
        }
    }

    func validate() throws {
        guard (0...1024).contains(shards) else { throw ValidationError("--shards must be 0 to 1024.") }
    }

    /// The protocol objects' maker: the service's own, or that of measuring.
    func factory(_ service: Service, _ callback: ServeCommand.Callback) -> @Sendable () -> any DatagramProtocol {
        let work = work
        return { work > 0 ? WorkingSink(rounds: work) : service.makeProtocol(callback) }
    }

    func makeGroup() throws(DatagramError) -> EventLoopGroup {
        try EventLoopGroup(count: shards == 0 ? nil : shards, isPinned: pin)
    }
}
