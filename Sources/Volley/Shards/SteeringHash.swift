internal import VolleyCore

/// The hash of a source address that ``SteeringProgram`` has the kernel compute, in Swift.
///
/// It absorbs the words of the address, as they are on the wire, and then the port: 32-bit multiplications by odd
/// constants and shifts, all that classic BPF has. Address and port each change every bit of the outcome, so that
/// consecutive ones spread evenly. It is no defence against senders that choose their addresses.
struct SteeringHash {
    private(set) var value: UInt32 = 0

    /// The constants, which the program shares: odd and without pattern (2³² divided by the golden ratio, and those of
    /// MurmurHash3's finalizer).
    enum Constants {
        static let word: UInt32 = 0x9e37_79b1
        static let wordShift: UInt32 = 15
        static let first: UInt32 = 0x85eb_ca6b
        static let firstShift: UInt32 = 13
        static let second: UInt32 = 0xc2b2_ae35
        static let secondShift: UInt32 = 16
    }

    init(source: SocketAddress, includesPort: Bool) {
        // An IPv4 peer of an IPv6 socket comes in IPv4 packets.
        let ip = source.ip.unmapped
        if ip.isIPv6 {
            for half in [ip.high, ip.low] {
                absorb(UInt32(truncatingIfNeeded: half >> 32))
                absorb(UInt32(truncatingIfNeeded: half))
            }
        } else {
            absorb(UInt32(truncatingIfNeeded: ip.low))
        }
        absorb(includesPort ? UInt32(source.port) : 0)
        mix(Constants.first, Constants.firstShift)
        mix(Constants.second, Constants.secondShift)
    }

    private mutating func absorb(_ word: UInt32) {
        value ^= word
        mix(Constants.word, Constants.wordShift)
    }

    private mutating func mix(_ factor: UInt32, _ shift: UInt32) {
        value = value &* factor
        value ^= value >> shift
    }

    /// The shard: the hash modulo all there were, and if that one has left, another remainder among those left.
    ///
    /// So a shard that leaves moves no peer but its own.
    func shard(count: Int, active: [Int]) -> Int {
        let first = Int(value) % count
        if active.contains(first) || active.isEmpty { return first }
        var again = self
        again.mix(Constants.first, Constants.secondShift)
        return active[Int(again.value) % active.count]
    }
}
