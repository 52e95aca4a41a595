import SystemPackage
import Testing
import VolleyTesting

@testable import Volley

/// Joining and leaving have the same outcomes in every world, the kernel's being the measure.
@Suite("Multicast memberships", .timeLimit(.minutes(10)))
struct MembershipTests {
    private struct Change {
        let isJoining: Bool
        let membership: MulticastMembership
    }

    /// Every kind of change, in an order in which each one meets something to go wrong with.
    private static func changes(isIPv6: Bool) -> [Change] {
        func address(_ v4: UInt32, _ v6: UInt64) -> IPAddress {
            isIPv6 ? IPAddress(v6High: v6 << 48, low: UInt64(v4)) : IPAddress(v4: v4)
        }
        let groups = (1...2).map { address(0xe801_0200 | $0, 0xff35) }
        let sources = (1...2).map { address(0x0a09_0000 | $0, 0xfd09) }
        let any = groups.map { MulticastMembership($0, interface: "lo") }
        let one = sources.map { MulticastMembership(groups[1], source: $0, interface: "lo") }
        func join(_ membership: MulticastMembership) -> Change { Change(isJoining: true, membership: membership) }
        func leave(_ membership: MulticastMembership) -> Change { Change(isJoining: false, membership: membership) }
        return [
            leave(any[0]), join(any[0]), join(any[0]), leave(any[0]), leave(any[0]), join(any[0]),
            leave(one[0]), join(one[0]), join(one[0]), join(any[1]), leave(one[1]), join(one[1]), leave(one[0]),
            leave(one[1]), leave(one[1]), leave(any[1]), join(one[0]), leave(any[1]), leave(one[0]),
            join(any[1]), join(one[0]), leave(one[0]), leave(any[1]),
            join(MulticastMembership(sources[0], interface: "lo")),
            join(MulticastMembership(groups[0], source: isIPv6 ? .loopbackV4 : .loopbackV6, interface: "lo")),
        ]
    }

    private func outcomes(_ transport: any DatagramTransport, isIPv6: Bool) -> [Errno?] {
        Self.changes(isIPv6: isIPv6).map { change in
            do throws(DatagramError) {
                try change.isJoining ? transport.join(change.membership) : transport.leave(change.membership)
                return nil
            } catch {
                #expect(error.operation == .configure)
                #expect(error.option?.value == change.membership.description)
                return error.errno
            }
        }
    }

    @Test("the in-memory world takes and refuses what the kernel takes and refuses", arguments: [false, true])
    func parity(isIPv6: Bool) throws {
        let loop = try EpollLoop()
        let any = SocketAddress(isIPv6 ? .anyV6 : .anyV4, port: 0)
        let live = try loop.bind(to: any, DatagramOptions()) { RecordingProtocol() }
        let endpoint = InMemoryEndpoint(RecordingProtocol(), on: ManualEventLoop(), local: any)
        let kernel = outcomes(live, isIPv6: isIPv6)
        #expect(outcomes(endpoint.transport, isIPv6: isIPv6) == kernel)
        #expect(kernel.contains(nil) && Set(kernel).count == 4)
        loop.shutDown()
    }

    @Test("an IPv6 group takes an IPv6 endpoint, and a Unix endpoint takes none")
    func families() throws {
        let loop = try EpollLoop()
        let group = MulticastMembership(IPAddress(v6High: 0xff15 << 48, low: 1), interface: "lo")
        let bound = try loop.bind(to: SocketAddress(.anyV4, port: 0), DatagramOptions()) { RecordingProtocol() }
        let family = #expect(throws: DatagramError.self) { try bound.join(group) }
        #expect(family?.errno == .addressFamilyNotSupported)
        let unix = try loop.bind(to: UnixAddress(abstract: "volley-no-multicast"), DatagramOptions()) {
            RecordingProtocol()
        }
        let none = #expect(throws: DatagramError.self) { try unix.join(group) }
        #expect(none?.errno == .notSupportedOnSocket)
        var options = DatagramOptions()
        options.multicast.memberships = [group]
        let created = #expect(throws: DatagramError.self) {
            try loop.bind(to: SocketAddress(.anyV4, port: 0), options) { RecordingProtocol() }
        }
        #expect(created == family)
        loop.shutDown()
    }

    @Test("the errors say which group, which interface, and what to do")
    func messages() throws {
        let loop = try EpollLoop()
        let transport = try loop.bind(to: SocketAddress(.anyV4, port: 0), DatagramOptions()) { RecordingProtocol() }
        let membership = MulticastMembership(
            IPAddress(v4: 0xe801_0203), source: IPAddress(v4: 0xc000_0201), interface: "volley-none")
        let error = #expect(throws: DatagramError.self) { try transport.join(membership) }
        let text =
            "configure: set MCAST_JOIN_SOURCE_GROUP to 192.0.2.1@232.1.2.3%volley-none: No such device (errno 19)"
        #expect(error?.description == text + "; `ip link` lists the interfaces there are")
        loop.shutDown()
    }

    @Test("an interface is an index when it is all digits, and a name otherwise")
    func interfaces() {
        #expect(NetworkInterface("12") == NetworkInterface(index: 12))
        #expect(NetworkInterface("eth0") == NetworkInterface(name: "eth0"))
        #expect(NetworkInterface("99999999999").name == "99999999999")
        #expect(NetworkInterface("").name == "")
        #expect(MulticastMembership(IPAddress(v4: 0xef01_0203), interface: "3").description == "239.1.2.3%3")
    }
}
