internal import CVolley

/// The classic BPF program that has the kernel choose a shard: it ends with the index of a socket of the group.
///
/// Such a program sees the UDP payload as the packet's beginning, and the IP header at negative offsets from
/// `SKF_NET_OFF`: an experiment and the tests say so for IPv4 with and without options, IPv6 with and without extension
/// headers, and IPv4 on an IPv6 socket. An index that no socket has makes the kernel fall back on its own hash.
struct SteeringProgram {
    private(set) var code = ClassicBPF()
    var instructions: [sock_filter] { code.instructions }

    /// - Parameters:
    ///   - count: how many sockets the group has.
    ///   - active: the indices of those that may be chosen, in ascending order; not empty.
    ///   - processors: the processor each socket's loop is bound to, if they are bound.
    init(_ steering: ShardSteering, count: Int, active: [Int], processors: [Int]? = nil) {
        switch steering.kind {
        case .cpu:
            code.loadWord(at: ClassicBPF.processor)
            if let processors {
                for index in active {
                    code.ifEqual(UInt32(processors[index]))
                    code.end(with: UInt32(index))
                }
            }
            endWithMember(of: active)
        case .sourceHash, .sourceAddressHash, .kernel:
            loadHash(includesPort: steering.kind != .sourceAddressHash)
            endWithShard(count: count, active: active)
        }
    }

    /// Words of the machine's memory.
    private enum Memory {
        static let hash: UInt32 = 0
        static let headersEnd: UInt32 = 1
        static let nextHeader: UInt32 = 2
    }

    private enum IPv4 {
        static let source: UInt32 = 12
    }
    /// RFC 8200.
    private enum IPv6 {
        static let nextHeader: UInt32 = 6
        static let sourceWords: [UInt32] = [8, 12, 16, 20]
        static let headerLength: UInt32 = 40
        static let udp: UInt32 = 17
        static let fragment: UInt32 = 44
        static let fragmentLength: UInt32 = 8
        /// Hop-by-hop options, routing, destination options: all say their length in their second byte.
        static let options: [UInt32] = [0, 43, 60]
        /// More extension headers than RFC 8200, 4.1, has a datagram carry; behind them the port is taken as 0.
        static let extensionHeadersMax = 5
    }

    // MARK: The hash

    /// A = the ``SteeringHash`` of the packet's source.
    private mutating func loadHash(includesPort: Bool) {
        var (ipv6, finish) = (ClassicBPF.Label(), ClassicBPF.Label())
        code.load(0)
        code.store(memory: Memory.hash)
        code.loadByte(at: ClassicBPF.network)
        code.shiftRight(by: 4)
        code.ifEqual(6)
        code.jump(to: &ipv6)

        absorbWord(at: IPv4.source)
        if includesPort {
            code.loadXHeaderLength(at: ClassicBPF.network)
            code.loadHalfWord(atXPlus: ClassicBPF.network)
        } else {
            code.load(0)
        }
        code.jump(to: &finish)

        code.place(ipv6)
        for offset in IPv6.sourceWords { absorbWord(at: offset) }
        if includesPort { loadIPv6Port() } else { code.load(0) }

        code.place(finish)
        absorb()
        mix(SteeringHash.Constants.first, SteeringHash.Constants.firstShift)
        mix(SteeringHash.Constants.second, SteeringHash.Constants.secondShift)
    }

    private mutating func absorbWord(at offset: UInt32) {
        code.loadWord(at: ClassicBPF.network &+ offset)
        absorb()
        code.store(memory: Memory.hash)
    }

    private mutating func absorb() {
        code.loadX(memory: Memory.hash)
        code.xorX()
        mix(SteeringHash.Constants.word, SteeringHash.Constants.wordShift)
    }

    private mutating func mix(_ factor: UInt32, _ shift: UInt32) {
        code.multiply(by: factor)
        code.copyToX()
        code.shiftRight(by: shift)
        code.xorX()
    }

    /// A = the source port behind an IPv6 header and what extends it; 0 if it is not found.
    private mutating func loadIPv6Port() {
        var (udp, unknown, done) = (ClassicBPF.Label(), ClassicBPF.Label(), ClassicBPF.Label())
        code.load(IPv6.headerLength)
        code.store(memory: Memory.headersEnd)
        code.loadByte(at: ClassicBPF.network &+ IPv6.nextHeader)
        for _ in 0..<IPv6.extensionHeadersMax {
            code.ifEqual(IPv6.udp)
            code.jump(to: &udp)
            skipExtensionHeader(orJumpTo: &unknown)
        }
        code.ifEqual(IPv6.udp)
        code.jump(to: &udp)
        code.place(unknown)
        code.load(0)
        code.jump(to: &done)
        code.place(udp)
        code.loadX(memory: Memory.headersEnd)
        code.loadHalfWord(atXPlus: ClassicBPF.network)
        code.place(done)
    }

    /// Moves `headersEnd` past one extension header, of type A, and leaves the type of the next header in A.
    private mutating func skipExtensionHeader(orJumpTo unknown: inout ClassicBPF.Label) {
        var (fragment, options, next) = (ClassicBPF.Label(), ClassicBPF.Label(), ClassicBPF.Label())
        code.ifEqual(IPv6.fragment)
        code.jump(to: &fragment)
        for type in IPv6.options {
            code.ifEqual(type)
            code.jump(to: &options)
        }
        code.jump(to: &unknown)

        code.place(fragment)
        code.loadX(memory: Memory.headersEnd)
        code.loadByte(atXPlus: ClassicBPF.network)
        code.store(memory: Memory.nextHeader)
        code.load(IPv6.fragmentLength)
        code.jump(to: &next)

        code.place(options)
        code.loadX(memory: Memory.headersEnd)
        code.loadByte(atXPlus: ClassicBPF.network)
        code.store(memory: Memory.nextHeader)
        // The length counts units of eight bytes and leaves the first out.
        code.loadByte(atXPlus: ClassicBPF.network &+ 1)
        code.add(1)
        code.shiftLeft(by: 3)

        code.place(next)
        code.addX()
        code.store(memory: Memory.headersEnd)
        code.load(memory: Memory.nextHeader)
    }

    // MARK: The index

    /// Ends with the shard for the hash in A, as ``SteeringHash/shard(count:active:)`` does.
    private mutating func endWithShard(count: Int, active: [Int]) {
        var again = ClassicBPF.Label()
        let gone = Set(0..<count).subtracting(active).sorted()
        code.store(memory: Memory.hash)
        code.remainder(by: UInt32(count))
        for index in gone {
            code.ifEqual(UInt32(index))
            code.jump(to: &again)
        }
        code.endWithA()
        guard !gone.isEmpty else { return }
        code.place(again)
        code.load(memory: Memory.hash)
        mix(SteeringHash.Constants.first, SteeringHash.Constants.secondShift)
        endWithMember(of: active)
    }

    /// Ends with the member that A modulo their number stands for.
    private mutating func endWithMember(of active: [Int]) {
        code.remainder(by: UInt32(active.count))
        for (place, index) in active.enumerated() where place != index {
            code.ifEqual(UInt32(place))
            code.end(with: UInt32(index))
        }
        code.endWithA()
    }
}
