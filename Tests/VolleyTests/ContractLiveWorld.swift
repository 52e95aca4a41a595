import CVolley
import Glibc
import Synchronization
import SystemPackage
import Testing
import VolleyTesting

@testable import Volley

/// The contract's world over real sockets: a loop stepped on the test's own thread, peers that are plain sockets, and
/// a table of system calls that obeys the scenario's faults.
final class LiveContractWorld: ContractWorld {
    /// What carries the datagrams.
    enum Carrier: Sendable {
        case ipv4, ipv6, unixPath, unixAbstract

        var isUnix: Bool { self == .unixPath || self == .unixAbstract }
        var host: IPAddress { self == .ipv6 ? IPAddress(v6High: 0, low: 1) : IPAddress(v4: 0x7f00_0001) }
    }

    /// Whether datagrams that can be trains are: those of the endpoint (`UDP_SEGMENT`) and those of its peers.
    private let usesTrains: Bool
    private let carrier: Carrier
    private let isConnected: Bool
    private let shard: ContractShard?
    private let receivesErrors: ErrorReception
    private let names: TemporaryNames
    private let sockets: [PeerSocket]
    private let hook: FaultyCalls
    private let loop: EpollLoop
    private weak var transport: RingTransport?
    private var endpoint: PeerAddress?

    init(
        _ carrier: Carrier, isConnected: Bool, usesTrains: Bool = false, isSharded: Bool = false,
        receivesErrors: ErrorReception = .off
    ) throws {
        self.usesTrains = usesTrains
        self.receivesErrors = receivesErrors
        self.carrier = carrier
        self.isConnected = isConnected
        let names = try TemporaryNames(isAbstract: carrier == .unixAbstract)
        self.names = names
        sockets = try (0..<2).map { _ in
            if isSharded { return try ContractShard.peer(host: carrier.host) }
            return carrier.isUnix ? try PeerSocket(names.next()) : try PeerSocket(host: carrier.host)
        }
        let hook = FaultyCalls(peers: sockets, countsMessages: !usesTrains)
        self.hook = hook
        var calls = Syscalls.kernel
        unsafe calls.sendmmsg = { unsafe hook.sendmmsg($0, $1, $2) }
        unsafe calls.recvmmsg = { unsafe hook.recvmmsg($0, $1, $2) }
        loop = try EpollLoop(syscalls: calls)
        // A fault is a datagram's, and one system call may not be able to send half of a train.
        if usesTrains { loop.wrapWorld = { FaultyWorld($0, faults: hook.faults, transport: $1) } }
        shard = isSharded ? ContractShard(on: loop) : nil
    }

    var capabilities: ContractCapabilities {
        var capabilities: ContractCapabilities = [
            isConnected ? .connected : .unconnected, .sendFaults, .receiveFaults, .truncation, .deafPeer, .interactive,
        ]
        if !carrier.isUnix { capabilities.formUnion([.internet, .oversized]) }
        return capabilities
    }

    var peers: [PeerAddress] { sockets.map(\.address) }
    var faults: TransportFaults? { hook.faults }
    /// One byte more than a length field of 16 bits leaves beside the headers.
    var oversizedCount: Int { carrier == .ipv6 ? 65_528 : 65_508 }

    /// The discard port, which is nobody's here, or a name that is not there.
    var deafPeer: PeerAddress? {
        carrier.isUnix
            ? (try? names.next()).map(PeerAddress.init) : PeerAddress(SocketAddress(carrier.host, port: 9))
    }

    func open(_ protocol: any DatagramProtocol, options: ContractOptions) throws {
        var settings = DatagramOptions()
        settings.slotSize = options.slotSize
        settings.receivesErrors = receivesErrors
        settings.writeBufferLimits = options.writeBufferLimits
        settings.usesGRO = usesTrains
        settings.usesGSO = usesTrains
        let transport =
            if carrier.isUnix { try openUnix(`protocol`, settings) } else { try openInternet(`protocol`, settings) }
        self.transport = transport
        endpoint = transport.localAddress.map(PeerAddress.init) ?? transport.unixLocalAddress.map(PeerAddress.init)
    }

    private func openInternet(_ protocol: any DatagramProtocol, _ options: DatagramOptions) throws -> RingTransport {
        let local = SocketAddress(carrier.host, port: 0)
        if let shard { return try shard.open(at: local, options, `protocol`) }
        guard isConnected else { return try loop.bind(to: local, options) { `protocol` } }
        let peer = try #require(peers[0].socketAddress)
        return try loop.connect(to: peer, from: local, options) { `protocol` }
    }

    private func openUnix(_ protocol: any DatagramProtocol, _ options: DatagramOptions) throws -> RingTransport {
        let local = try names.next()
        guard isConnected else { return try loop.bind(to: local, options) { `protocol` } }
        let peer = try #require(peers[0].unixAddress)
        return try loop.connect(to: peer, from: local, options) { `protocol` }
    }

    func deliver(_ batch: [ContractDatagram]) {
        guard let endpoint else { return }
        var batch = batch[...]
        while let datagram = batch.first {
            // A run of one peer's datagrams of one length can be a train.
            let isTrain = usesTrains && !datagram.payload.isEmpty && datagram.payload.count <= 1400
            let run = batch.prefix { $0.peer == datagram.peer && $0.payload.count == datagram.payload.count }
            let count = isTrain ? min(64, run.count) : 1
            let payloads = batch.prefix(count).map(\.payload)
            batch.removeFirst(count)
            let isHeard = !carrier.isUnix && (!isConnected || datagram.peer == 0)
            let descriptor = isHeard ? transport?.descriptor : nil
            let charge = descriptor.flatMap { System.receiveCharge($0) } ?? 0
            if count > 1 {
                sockets[datagram.peer].sendTrain(payloads, to: endpoint)
            } else {
                sockets[datagram.peer].send(datagram.payload, to: endpoint)
            }
            // The next one, and the test, may only go on when this one is in the endpoint's queue.
            if let descriptor { waitUntil { System.receiveCharge(descriptor) ?? .max > charge } }
        }
    }

    func arrivals(at peer: Int) -> [[UInt8]] {
        sockets[peer].drain()
        return sockets[peer].arrivals
    }

    /// Does what an unconnected Unix endpoint's timer does, so that no test waits for it; that the timer does it has a
    /// test of its own.
    private func tryAgain() -> Bool {
        guard carrier.isUnix, !isConnected, !hook.faults.isSendingBlocked, let transport,
            transport.writeBufferSize > 0
        else { return false }
        transport.writable()
        return true
    }

    @discardableResult
    private func step() -> Bool {
        let attempts = hook.faults.sendAttempts.count
        let isBusy = loop.turn(waiting: false)
        // Once a turn, whether the real timer was due in it or not.
        let hasTried = hook.faults.sendAttempts.count == attempts && tryAgain()
        for socket in sockets { socket.drain() }
        return hasTried || isBusy
    }

    func turn() { step() }

    func settle() {
        // An endpoint that waits to send is told that it can in every turn, though the faults say otherwise.
        for round in 0..<2_000 where !(hook.faults.isSendingBlocked && round >= 16) {
            if !step() { return }
        }
    }
}

/// The system calls of the datagram path with a scenario's faults in front.
private final class FaultyCalls: @unchecked Sendable {
    // True by the test: loop, peers and faults are all used on its one thread.
    let faults = TransportFaults()
    private let peers: [PeerSocket]

    /// How many datagrams each peer has been sent.
    private var expected: [Int]

    /// Whether the faults are met here, a message at a time; otherwise a ``FaultyWorld`` has met them.
    private let countsMessages: Bool

    init(peers: [PeerSocket], countsMessages: Bool) {
        self.peers = peers
        self.countsMessages = countsMessages
        expected = peers.map { _ in 0 }
    }

    func sendmmsg(_ descriptor: CInt, _ headers: UnsafeMutablePointer<mmsghdr>, _ count: Int) -> Int {
        guard countsMessages else { return unsafe pass(descriptor, headers, count) }
        let allowed = faults.nextSend(count) { index in
            // SAFETY: the transport's headers have one vector each.
            let vector = unsafe headers[index].msg_hdr.msg_iov.pointee
            return unsafe vector.iov_len > 0 ? vector.iov_base.load(as: UInt8.self) : nil
        }
        let result = allowed < 0 ? allowed : unsafe pass(descriptor, headers, allowed)
        faults.noteSend(offered: count, result: result)
        return result
    }

    /// Passes datagrams on in small lots, and has the peers read between them: the queue of a Unix socket holds ten, and
    /// that of a UDP socket little more than one train of small datagrams.
    private func pass(_ descriptor: CInt, _ headers: UnsafeMutablePointer<mmsghdr>, _ count: Int) -> Int {
        let lot = countsMessages ? 8 : 1
        var sent = 0
        while sent < count {
            let result = unsafe Syscalls.kernel.sendmmsg(descriptor, headers + sent, min(lot, count - sent))
            guard result > 0 else { return sent > 0 ? sent : result }
            for index in sent..<sent + result { unsafe expectArrival(headers[index].msg_hdr) }
            sent += result
            waitUntil {
                for peer in peers { peer.drain() }
                return zip(peers, expected).allSatisfy { $0.arrivals.count >= $1 }
            }
        }
        return sent
    }

    /// Notes that a datagram is on its way to the peer its header names; without a name, to the connected one.
    private func expectArrival(_ header: msghdr) {
        let count = unsafe Self.datagramCount(of: header)
        guard let name = unsafe header.msg_name else { return expected[0] += count }
        let bytes = unsafe Array(UnsafeRawBufferPointer(start: name, count: Int(header.msg_namelen)))
        let address =
            SocketAddress(kernelBytes: bytes).map(PeerAddress.init)
            ?? (try? UnixAddress(kernelBytes: RawSpan(bytes.span))).map(PeerAddress.init)
        if let index = peers.firstIndex(where: { $0.address == address }) { expected[index] += count }
    }

    /// How many datagrams a message is: with `UDP_SEGMENT`, which comes first if at all, as many as the kernel will make.
    private static func datagramCount(of header: msghdr) -> Int {
        // SAFETY: the header is one the kernel has just taken, so its pointers and counts are right.
        guard unsafe header.msg_controllen >= 18, let control = unsafe header.msg_control,
            unsafe control.load(as: cmsghdr.self).cmsg_type == CInt(VOLLEY_UDP_SEGMENT)
        else { return 1 }
        let segment = unsafe Int(control.load(fromByteOffset: 16, as: UInt16.self))
        let bytes = unsafe (0..<header.msg_iovlen).reduce(0) { unsafe $0 + header.msg_iov[$1].iov_len }
        return (bytes + segment - 1) / segment
    }

    func recvmmsg(_ descriptor: CInt, _ headers: UnsafeMutablePointer<mmsghdr>, _ count: Int) -> Int {
        if let errno = faults.nextReceive() { return -Int(errno.rawValue) }
        return unsafe Syscalls.kernel.recvmmsg(descriptor, headers, count)
    }
}

/// Unix socket names that nobody else has: paths in a directory that goes with this object, or abstract names.
final class TemporaryNames {
    private static let serial = Atomic<Int>(0)
    private let directory: String?
    private var count = 0
    private let prefix: String

    init(isAbstract: Bool) throws {
        guard !isAbstract else {
            directory = nil
            prefix = "volley-test-\(getpid())-\(Self.serial.add(1, ordering: .relaxed).newValue)"
            return
        }
        var template = Array("/tmp/volley-test-XXXXXX".utf8CString)
        // SAFETY: the template ends with its NUL; mkdtemp writes into it.
        let isMade = unsafe template.withUnsafeMutableBufferPointer { template in
            unsafe template.baseAddress.map { unsafe mkdtemp($0) != nil } ?? false
        }
        guard isMade else { throw Errno(rawValue: errno) }
        let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        directory = path
        prefix = path + "/socket"
    }

    deinit {
        guard let directory else { return }
        for index in 0...count { _ = unsafe unlink("\(prefix)-\(index)") }
        _ = unsafe rmdir(directory)
    }

    func next() throws -> UnixAddress {
        count += 1
        return directory == nil
            ? try UnixAddress(abstract: "\(prefix)-\(count)") : try UnixAddress(path: "\(prefix)-\(count)")
    }
}

extension System {
    /// Bytes charged for what waits to be received, more with every datagram: the first word of `SO_MEMINFO`.
    static func receiveCharge(_ descriptor: CInt) -> UInt32? {
        var words = InlineArray<9, UInt32>(repeating: 0)
        var length = UInt32(MemoryLayout.size(ofValue: words))
        // SAFETY: `length` is the size of `words`.
        return unsafe getsockopt(descriptor, SOL_SOCKET, SO_MEMINFO, &words, &length) == 0 ? words[0] : nil
    }
}
