import CVolley
import Glibc
import Synchronization
import SystemPackage
import Testing
import VolleyTesting

@testable import Volley

/// Multicast through the kernel: who hears whom, and from when until when.
@Suite("Multicast", .timeLimit(.minutes(10)))
struct MulticastTests {
    /// A member and senders of one family, on one interface.
    private struct Network {
        let loop: EpollLoop
        let isIPv6: Bool
        let interface: NetworkInterface
        let recorder = RecordingProtocol()

        init(isIPv6: Bool, interface: NetworkInterface = "v0") throws {
            self.isIPv6 = isIPv6
            self.interface = interface
            loop = try EpollLoop()
        }

        func group(_ number: UInt8) -> IPAddress {
            isIPv6
                ? IPAddress(v6High: 0xff35_0000_0000_0000, low: UInt64(number))
                : IPAddress(v4: 0xe801_0200 | UInt32(number))
        }

        func membership(_ number: UInt8, source: IPAddress? = nil) -> MulticastMembership {
            MulticastMembership(group(number), source: source, interface: interface)
        }

        func member(
            _ memberships: [MulticastMembership] = [], _ configure: (inout DatagramOptions) -> Void = { _ in }
        ) throws -> RingTransport {
            var options = DatagramOptions()
            options.multicast.memberships = memberships
            configure(&options)
            return try loop.bind(to: SocketAddress(isIPv6 ? .anyV6 : .anyV4, port: 0), options) { [recorder] in recorder
            }
        }

        func sender(
            from source: IPAddress, _ configure: (inout DatagramOptions) -> Void = { _ in }
        ) throws -> RingTransport {
            var options = DatagramOptions()
            options.multicast.interface = interface
            configure(&options)
            return try loop.bind(to: SocketAddress(source, port: 0), options) { RecordingProtocol() }
        }

        func send(_ payload: [UInt8], from sender: RingTransport, to number: UInt8, of member: RingTransport) throws {
            sender.send(payload, to: SocketAddress(group(number), port: try #require(member.localAddress).port))
            sender.flush()
            #expect(sender.statistics.failedDropped == 0)
        }

        /// Waits for the payload that ends a test; what came before it is all there was.
        func hear(until last: [UInt8]) -> [[UInt8]] {
            loop.settle { recorder.payloads.last == last }
            return recorder.payloads
        }
    }

    @Test("a group on lo: joined, heard, left, and heard no more", arguments: ["lo", "1"])
    func onLoopback(interface: String) throws {
        let network = try Network(isIPv6: false, interface: NetworkInterface(interface))
        // Other tests join the same group of the same host.
        let member = try network.member { $0.multicast.receivesUnjoinedGroups = false }
        let sender = try network.sender(from: .loopbackV4)
        try network.send([0], from: sender, to: 1, of: member)
        try member.join(network.membership(1))
        try network.send([1], from: sender, to: 1, of: member)
        #expect(network.hear(until: [1]) == [[1]])
        try member.leave(network.membership(1))
        try network.send([2], from: sender, to: 1, of: member)
        let port = try #require(member.localAddress).port
        sender.send([9], to: SocketAddress(.loopbackV4, port: port))
        #expect(network.hear(until: [9]) == [[1], [9]])
        network.loop.shutDown()
    }

    @Test(
        "a group of any source: heard from the join, at creation or later, until it is left",
        .enabled(if: OptionsNamespace.isAvailable, OptionsNamespace.reason), arguments: [false, true], [false, true])
    func anySource(isIPv6: Bool, atCreation: Bool) throws {
        try OptionsNamespace.run {
            let network = try Network(isIPv6: isIPv6)
            let member = try network.member(atCreation ? [network.membership(1)] : [])
            let sender = try network.sender(from: OptionsNamespace.address(1, isIPv6: isIPv6))
            if !atCreation {
                try network.send([0], from: sender, to: 1, of: member)
                try member.join(network.membership(1))
            }
            try member.join(network.membership(2))
            try network.send([1], from: sender, to: 1, of: member)
            try network.send([2], from: sender, to: 2, of: member)
            #expect(network.hear(until: [2]) == [[1], [2]])
            try member.leave(network.membership(1))
            try network.send([3], from: sender, to: 1, of: member)
            try network.send([4], from: sender, to: 2, of: member)
            #expect(network.hear(until: [4]) == [[1], [2], [4]])
            network.loop.shutDown()
        }
    }

    @Test(
        "a group of one source: the right one is heard, another is not, and none after leaving",
        .enabled(if: OptionsNamespace.isAvailable, OptionsNamespace.reason), arguments: [false, true])
    func oneSource(isIPv6: Bool) throws {
        try OptionsNamespace.run {
            let network = try Network(isIPv6: isIPv6)
            let sources = (1...2).map { OptionsNamespace.address($0, isIPv6: isIPv6) }
            let senders = try sources.map { try network.sender(from: $0) }
            let member = try network.member([network.membership(1, source: sources[0])])
            try network.send([1], from: senders[1], to: 1, of: member)
            try network.send([2], from: senders[0], to: 1, of: member)
            #expect(network.hear(until: [2]) == [[2]])
            try member.join(network.membership(1, source: sources[1]))
            try network.send([3], from: senders[1], to: 1, of: member)
            try network.send([4], from: senders[0], to: 1, of: member)
            #expect(network.hear(until: [4]) == [[2], [3], [4]])
            try member.leave(network.membership(1, source: sources[0]))
            try network.send([5], from: senders[0], to: 1, of: member)
            try network.send([6], from: senders[1], to: 1, of: member)
            #expect(network.hear(until: [6]) == [[2], [3], [4], [6]])
            network.loop.shutDown()
        }
    }

    @Test(
        "groups that only another socket has joined are heard only if asked for",
        .enabled(if: OptionsNamespace.isAvailable, OptionsNamespace.reason), arguments: [false, true])
    func othersGroups(isIPv6: Bool) throws {
        try OptionsNamespace.run {
            let network = try Network(isIPv6: isIPv6)
            let other = try network.member([network.membership(2)])
            let sender = try network.sender(from: OptionsNamespace.address(1, isIPv6: isIPv6))
            let recorders = (0..<2).map { _ in RecordingProtocol() }
            for (recorder, hearsAll) in zip(recorders, [nil, true]) {
                var options = DatagramOptions()
                options.multicast.memberships = [network.membership(1)]
                options.multicast.receivesUnjoinedGroups = hearsAll
                let any: IPAddress = isIPv6 ? .anyV6 : .anyV4
                let member = try network.loop.bind(to: SocketAddress(any, port: 0), options) { recorder }
                try network.send([2], from: sender, to: 2, of: member)
                try network.send([1], from: sender, to: 1, of: member)
                network.loop.settle { recorder.payloads.last == [1] }
            }
            #expect(recorders.map(\.payloads) == [[[1]], [[2], [1]]])
            other.close()
            network.loop.shutDown()
        }
    }

    @Test(
        "a sender that does not loop back is not heard on its host",
        .enabled(if: OptionsNamespace.isAvailable, OptionsNamespace.reason), arguments: [false, true])
    func loopsBack(isIPv6: Bool) throws {
        try OptionsNamespace.run {
            let network = try Network(isIPv6: isIPv6)
            let source = OptionsNamespace.address(1, isIPv6: isIPv6)
            let quiet = try network.sender(from: source) { $0.multicast.loopsBack = false }
            let loud = try network.sender(from: source) { $0.multicast.loopsBack = true }
            let member = try network.member([network.membership(1)])
            try network.send([1], from: quiet, to: 1, of: member)
            try network.send([2], from: loud, to: 1, of: member)
            #expect(network.hear(until: [2]) == [[2]])
            network.loop.shutDown()
        }
    }

    @Test(
        "what was sent to a group is answered, from an address of this host",
        .enabled(if: OptionsNamespace.isAvailable, OptionsNamespace.reason), arguments: [false, true])
    func reply(isIPv6: Bool) throws {
        try OptionsNamespace.run {
            let network = try Network(isIPv6: isIPv6)
            network.recorder.onDatagram = { _, datagram, _ in datagram.reply(datagram.payload) }
            let tap = SenderTap()
            let member = try network.member { $0.tap = tap }
            try member.join(network.membership(1))
            let asker = RecordingProtocol()
            var options = DatagramOptions()
            options.multicast.interface = "v0"
            let source = SocketAddress(OptionsNamespace.address(2, isIPv6: isIPv6), port: 0)
            let sender = try network.loop.bind(to: source, options) { asker }
            try network.send([1], from: sender, to: 1, of: member)
            network.loop.settle { !asker.payloads.isEmpty || !network.recorder.errors.isEmpty }
            #expect(network.recorder.errors == [])
            #expect(network.recorder.payloads == [[1]])
            #expect(asker.payloads == [[1]])
            #expect(asker.datagrams.first?.source.socketAddress?.port == member.localAddress?.port)
            // A recording shows the reply as it is: nothing comes from a group.
            #expect(tap.senders.withLock { $0.map(\.ip.isMulticast) } == [false])
            network.loop.shutDown()
        }
    }

    @Test(
        "an IPv6 endpoint hears IPv4 groups too",
        .enabled(if: OptionsNamespace.isAvailable, OptionsNamespace.reason))
    func dualStack() throws {
        try OptionsNamespace.run {
            let network = try Network(isIPv6: false)
            let recorder = RecordingProtocol()
            var options = DatagramOptions()
            options.isIPv6Only = false
            options.multicast.memberships = [network.membership(1)]
            let member = try network.loop.bind(to: SocketAddress(.anyV6, port: 0), options) { recorder }
            let sender = try network.sender(from: OptionsNamespace.address(1, isIPv6: false))
            try network.send([1], from: sender, to: 1, of: member)
            network.loop.settle { !recorder.payloads.isEmpty }
            #expect(recorder.payloads == [[1]])
            network.loop.shutDown()
        }
    }

    @Test("other threads join and leave through the endpoint's handle, until it is closed")
    func handle() async throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let endpoint = try await loop.bindDatagram(to: SocketAddress(.anyV4, port: 0)) { RecordingProtocol() }
        let membership = MulticastMembership(IPAddress(v4: 0xef01_0203), interface: "lo")
        try await endpoint.join(membership)
        let again = await #expect(throws: DatagramError.self) { try await endpoint.join(membership) }
        #expect(again?.errno == .addressInUse)
        try await endpoint.leave(membership)
        endpoint.close()
        _ = await endpoint.closed()
        let closed = await #expect(throws: DatagramError.self) { try await endpoint.join(membership) }
        #expect(closed?.errno == .badFileDescriptor)
    }
}

/// Writes down where sends come from.
private final class SenderTap: DatagramTap {
    let senders = Mutex<[SocketAddress]>([])
    func received(_ payload: RawSpan, from source: SocketAddress, to local: SocketAddress, at time: WallClockTime) {}
    func sent(_ payload: RawSpan, from local: SocketAddress, to destination: SocketAddress, at time: WallClockTime) {
        senders.withLock { $0.append(local) }
    }
}
