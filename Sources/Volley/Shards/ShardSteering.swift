internal import VolleyCore

/// How the kernel chooses the shard for a datagram.
///
/// The choice is made by a classic BPF program in the kernel (`SO_ATTACH_REUSEPORT_CBPF`, socket(7)), before the
/// datagram is put into a socket's queue.
public struct ShardSteering: Hashable, Sendable, CustomStringConvertible {
    enum Kind: String { case sourceHash, sourceAddressHash, cpu, kernel }
    let kind: Kind

    /// By a hash of the source's address and port: a peer always meets the same shard.
    ///
    /// "Always" is meant: the hash has no secret and depends on neither the process nor the local address, IPv4 peers
    /// of an IPv6 endpoint hash as elsewhere, and when a shard leaves, only its own peers move. Two sockets of one host
    /// are two peers, and clients behind one address spread. A sender that knows the function can aim at one shard.
    public static let sourceHash = ShardSteering(kind: .sourceHash)

    /// By a hash of the source's address alone: all sockets of a host meet the same shard, across their restarts.
    public static let sourceAddressHash = ShardSteering(kind: .sourceAddressHash)

    /// By the processor the datagram is received on (the network card's queue): it stays in that processor's cache.
    ///
    /// With an ``EventLoopGroup`` that is pinned, the shard is the (first) one whose loop is bound to that processor;
    /// otherwise, and for other processors, the processor's number modulo the number of shards. For handlers without
    /// state: a peer may meet any shard.
    public static let cpu = ShardSteering(kind: .cpu)

    /// No program: the kernel's own hash of both addresses and ports.
    ///
    /// It changes with every start of the machine. Once a shard has left, steering is ``sourceHash`` of the rest,
    /// since the kernel could not be told otherwise to leave it out.
    public static let kernel = ShardSteering(kind: .kernel)

    /// The name, as in the source: `sourceHash`.
    public var description: String { kind.rawValue }

    /// The shard that datagrams from `source` meet; `nil` when that does not follow from the source.
    ///
    /// - Parameters:
    ///   - count: how many shards there were at the beginning, those that have left included.
    ///   - active: those that are left, in ascending order.
    func shard(for source: SocketAddress, count: Int, active: [Int]) -> Int? {
        switch kind {
        case .cpu: return nil
        case .kernel where active.count == count: return nil
        case .kernel, .sourceHash, .sourceAddressHash:
            let hash = SteeringHash(source: source, includesPort: kind != .sourceAddressHash)
            return hash.shard(count: count, active: active)
        }
    }
}
