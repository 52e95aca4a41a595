internal import VolleyCore

/// Which datagrams a tap records.
public struct CaptureSampling: Hashable, Sendable {
    private let divisor: UInt64
    private let isByFlow: Bool

    /// All of them.
    public static var all: CaptureSampling { CaptureSampling(divisor: 1, isByFlow: false) }

    /// The first of each `count` datagrams, received and sent counted together; `count` is 1 or more.
    public static func datagrams(oneIn count: Int) -> CaptureSampling {
        CaptureSampling(divisor: UInt64(max(1, count)), isByFlow: false)
    }

    /// All datagrams of about one in `count` peers, chosen by a hash of address and port; `count` is 1 or more.
    ///
    /// A peer is in or out in both directions, in every shard, and in every run.
    public static func flows(oneIn count: Int) -> CaptureSampling {
        CaptureSampling(divisor: UInt64(max(1, count)), isByFlow: true)
    }

    /// Whether a datagram is recorded; `number` counts those before it.
    func takes(_ number: Int, peer: SocketAddress) -> Bool {
        if divisor == 1 { return true }
        return (isByFlow ? Self.hash(peer) : UInt64(number)) % divisor == 0
    }

    /// A hash that is the same everywhere, unlike the standard library's (the finaliser of SplitMix64).
    private static func hash(_ peer: SocketAddress) -> UInt64 {
        var hash: UInt64 = 0
        for part in [peer.ip.high, peer.ip.low, UInt64(peer.port)] {
            hash = (hash ^ part) &+ 0x9e37_79b9_7f4a_7c15
            hash = (hash ^ hash >> 30) &* 0xbf58_476d_1ce4_e5b9
            hash = (hash ^ hash >> 27) &* 0x94d0_49bb_1331_11eb
            hash ^= hash >> 31
        }
        return hash
    }
}
