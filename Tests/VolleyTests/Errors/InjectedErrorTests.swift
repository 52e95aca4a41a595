import CVolley
import Glibc
import SystemPackage
import Testing
import VolleyTesting

@testable import Volley

/// What the kernel cannot be made to do on order: entries of the error queue and results of sends, by injected calls.
@Suite("Errors, injected", .timeLimit(.minutes(10)))
struct InjectedErrorTests {
    private static let peer = SocketAddress(IPAddress(v4: 0x7f00_0001), port: 9)

    /// An endpoint whose sends, receives and error queue do as they are told.
    private final class Bench: @unchecked Sendable {
        // True by the tests: each uses its own, on its one thread.
        var sends: [Errno?] = []
        var receives: [Errno] = []
        var entries: [volley_error] = []
        /// What a send or receive adds to the queue when it fails.
        var entryOfFailure: volley_error?
        private(set) var sendCalls = 0
        /// Whether the next error has come whenever the queue has been read.
        var isFlooded = false

        func open() throws -> (EpollLoop, Probe) {
            var calls = Syscalls.kernel
            unsafe calls.sendmmsg = { [self] _, _, count in
                sendCalls += 1
                guard let errno = sends.isEmpty ? nil : sends.removeFirst() else { return count }
                if let entryOfFailure { entries.append(entryOfFailure) }
                return -Int(errno.rawValue)
            }
            unsafe calls.recvmmsg = { [self] descriptor, headers, count in
                guard let errno = receives.popLast() else {
                    return unsafe Syscalls.kernel.recvmmsg(descriptor, headers, count)
                }
                if let entryOfFailure { entries.append(entryOfFailure) }
                return -Int(errno.rawValue)
            }
            unsafe calls.receiveError = { [self] _, entry in
                guard !entries.isEmpty else {
                    if isFlooded { sends = [.connectionRefused] }
                    return -Int(EAGAIN)
                }
                unsafe entry.pointee = entries.removeFirst()
                return 0
            }
            let loop = try EpollLoop(syscalls: calls)
            let probe = try Probe(.v4, on: loop, from: SocketAddress(.loopbackV4, port: 0), receivesErrors: .all)
            return (loop, probe)
        }
    }

    private static func entry(
        _ errno: Errno, origin: Int, type: UInt8 = 0, code: UInt8 = 0, info: UInt32 = 0
    ) -> volley_error {
        var entry = volley_error()
        entry.number = UInt32(errno.rawValue)
        entry.origin = UInt8(origin)
        entry.type = type
        entry.code = code
        entry.info = info
        entry.destination_length = 16
        // SAFETY: the destination has room for either family's address.
        unsafe withUnsafeMutableBytes(of: &entry.destination) { bytes in
            unsafe peer.withKernelBytes { unsafe bytes.copyMemory(from: $0) }
        }
        return entry
    }

    @Test("a send that fails for earlier datagrams is repeated until it goes, however often that is")
    func repeated() throws {
        let bench = Bench()
        let (loop, probe) = try bench.open()
        bench.entryOfFailure = Self.entry(.connectionRefused, origin: VOLLEY_ORIGIN_ICMP, type: 3, code: 3)
        bench.sends = .init(repeating: .connectionRefused, count: 50)
        probe.send([1], to: Self.peer)
        let statistics = probe.transport.statistics
        #expect(statistics.sent == 1)
        #expect(statistics.sendsDropped == 0)
        #expect(probe.errors.count == 50)
        #expect(probe.errors.allSatisfy { $0.origin == .icmp(type: 3, code: 3) && $0.peer == Self.peer })
        #expect(bench.sendCalls == 51)
        loop.shutDown()
    }

    @Test("a send that never goes is given up, though the queue has a reason each time")
    func endless() throws {
        let bench = Bench()
        let (loop, probe) = try bench.open()
        bench.entryOfFailure = Self.entry(.connectionRefused, origin: VOLLEY_ORIGIN_ICMP, type: 3, code: 3)
        bench.sends = .init(repeating: .connectionRefused, count: 100_000)
        probe.send([1], to: Self.peer)
        #expect(probe.transport.statistics.failedDropped == 1)
        #expect(bench.sendCalls < 1_000)
        #expect(!probe.transport.isClosing)
        loop.shutDown()
    }

    @Test("an errno that the queue does not explain is treated as without the queue: inherited, or the datagram's own")
    func unexplained() throws {
        let bench = Bench()
        let (loop, probe) = try bench.open()
        bench.sends = [.noRouteToHost]
        probe.send([1], to: Self.peer)
        #expect(probe.errors == [DatagramError(.noRouteToHost, operation: .send, origin: .network)])
        bench.sends = [.noRouteToHost, .noRouteToHost]
        probe.send([2], to: Self.peer)
        #expect(probe.errors.last == DatagramError(.noRouteToHost, operation: .send, peer: Self.peer, quoted: [2]))
        #expect(probe.transport.statistics.sent == 1)
        #expect(probe.transport.statistics.failedDropped == 1)
        loop.shutDown()
    }

    @Test("a receive that fails for datagrams sent earlier is reported as the queue has it, once, and receives then")
    func receives() throws {
        let bench = Bench()
        let (loop, probe) = try bench.open()
        bench.entryOfFailure = Self.entry(.connectionRefused, origin: VOLLEY_ORIGIN_ICMP, type: 3, code: 3)
        bench.receives = [.connectionRefused, .connectionRefused]
        let sender = try PeerSocket(host: .loopbackV4)
        sender.send([7], to: PeerAddress(try #require(probe.transport.localAddress)))
        loop.settle { !probe.recorder.payloads.isEmpty }
        #expect(probe.recorder.payloads == [[7]])
        #expect(probe.errors.count == 2)
        #expect(probe.errors.allSatisfy { $0.origin == .icmp(type: 3, code: 3) && $0.peer == Self.peer })
        // One that the queue knows nothing of is reported all the same.
        bench.entryOfFailure = nil
        bench.receives = [.hostIsDown]
        sender.send([8], to: PeerAddress(try #require(probe.transport.localAddress)))
        loop.settle { probe.recorder.payloads.count == 2 }
        #expect(probe.errors.last == DatagramError(.hostIsDown, operation: .receive, origin: .network))
        loop.shutDown()
    }

    @Test("an errno whose entry was read before it was set is no second failure, for a send nor for a receive")
    func readAhead() throws {
        let bench = Bench()
        let (loop, probe) = try bench.open()
        let entry = Self.entry(.connectionRefused, origin: VOLLEY_ORIGIN_ICMP, type: 3, code: 3)
        bench.entries = [entry, entry, entry]
        // The first finds its entry and two more, whose errnos the next two meet.
        bench.sends = [.connectionRefused, .connectionRefused]
        probe.send([1], to: Self.peer)
        #expect(probe.transport.statistics.sent == 1)
        bench.receives = [.connectionRefused]
        let sender = try PeerSocket(host: .loopbackV4)
        sender.send([7], to: PeerAddress(try #require(probe.transport.localAddress)))
        loop.settle { !probe.recorder.payloads.isEmpty }
        #expect(probe.errors.count == 3)
        #expect(probe.errors.allSatisfy { $0.origin == .icmp(type: 3, code: 3) })
        // That is all they account for.
        bench.sends = [.connectionRefused]
        probe.send([2], to: Self.peer)
        #expect(probe.errors.last?.origin == .network)
        #expect(probe.errors.count == 4)
        loop.shutDown()
    }

    @Test("an errno that comes after entries read later is no failure of the datagram")
    func late() throws {
        let bench = Bench()
        let (loop, probe) = try bench.open()
        let entry = Self.entry(.connectionRefused, origin: VOLLEY_ORIGIN_ICMP, type: 3, code: 3)
        // Three are read when the first fails; the fourth is there when the second does, and all errnos are still met.
        bench.entries = [entry, entry, entry]
        bench.entryOfFailure = nil
        bench.sends = [.connectionRefused]
        probe.send([1], to: Self.peer)
        bench.entries = [entry]
        bench.sends = .init(repeating: .connectionRefused, count: 3)
        probe.send([2], to: Self.peer)
        #expect(probe.transport.statistics.sent == 2)
        #expect(probe.transport.statistics.sendsDropped == 0)
        #expect(probe.errors.count == 4)
        #expect(probe.errors.allSatisfy { $0.origin == .icmp(type: 3, code: 3) })
        loop.shutDown()
    }

    @Test("in a flood that is faster than its errors are read, a datagram goes all the same")
    func flooded() throws {
        let bench = Bench()
        let (loop, probe) = try bench.open()
        bench.entryOfFailure = Self.entry(.connectionRefused, origin: VOLLEY_ORIGIN_ICMP, type: 3, code: 3)
        bench.sends = [.connectionRefused]
        bench.isFlooded = true
        probe.send([1], to: Self.peer)
        #expect(probe.transport.statistics.sent == 1)
        #expect(probe.transport.statistics.sendsDropped == 0)
        #expect(probe.errors.allSatisfy { $0.origin == .icmp(type: 3, code: 3) })
        loop.shutDown()
    }

    @Test("a local entry adds its MTU to the error of the send, and is no error of its own")
    func localMTU() throws {
        let bench = Bench()
        let (loop, probe) = try bench.open()
        bench.entryOfFailure = Self.entry(.messageTooLong, origin: VOLLEY_ORIGIN_LOCAL, info: 1_280)
        bench.sends = [.messageTooLong, .messageTooLong]
        probe.send([1, 2], to: Self.peer)
        let error = DatagramError(.messageTooLong, operation: .send, peer: Self.peer, info: 1_280, quoted: [1, 2])
        #expect(probe.errors == [error])
        #expect(probe.errors.first?.mtu == 1_280)
        // The next one has nothing to do with it.
        bench.entryOfFailure = nil
        bench.sends = [.messageTooLong, .messageTooLong]
        probe.send([3], to: Self.peer)
        #expect(probe.errors.last?.mtu == nil)
        loop.shutDown()
    }

    @Test("entries that are no errors are passed over; a transmit time missed is one")
    func otherOrigins() throws {
        let bench = Bench()
        let (loop, probe) = try bench.open()
        let zeroCopy = 5
        bench.entries = [
            Self.entry(Errno(rawValue: 0), origin: zeroCopy),
            Self.entry(Errno(rawValue: 0), origin: VOLLEY_ORIGIN_ICMP),
            Self.entry(.noMessage, origin: 4),
            Self.entry(.canceled, origin: VOLLEY_ORIGIN_TXTIME),
            Self.entry(.protocolError, origin: VOLLEY_ORIGIN_ICMP, type: 12, code: 1, info: 20),
        ]
        bench.sends = [.protocolError]
        probe.send([1], to: Self.peer)
        #expect(probe.errors.map(\.errno) == [.canceled, .protocolError])
        #expect(probe.errors.map(\.origin) == [.local, .icmp(type: 12, code: 1)])
        #expect(probe.errors.last?.pointer == 20)
        #expect(probe.transport.statistics.sent == 1)
        loop.shutDown()
    }

    @Test(
        "want of buffers costs each datagram one try and one report, and the endpoint lives on",
        arguments: [Errno.noBufferSpace, .noMemory])
    func noBuffers(_ errno: Errno) throws {
        let bench = Bench()
        let (loop, probe) = try bench.open()
        bench.sends = [errno, errno, errno]
        for number in UInt8(1)...4 { probe.transport.send([number], to: Self.peer) }
        probe.transport.flush()
        loop.settle()
        #expect(
            probe.errors
                == (UInt8(1)...3).map {
                    DatagramError(errno, operation: .send, peer: Self.peer, quoted: [$0])
                })
        #expect(bench.sendCalls == 4)
        #expect(probe.transport.statistics.sent == 1)
        #expect(probe.transport.statistics.failedDropped == 3)
        #expect(!probe.transport.isClosing)
        #expect(!loop.turn(waiting: false), "the loop has nothing left to do")
        loop.shutDown()
    }
}
