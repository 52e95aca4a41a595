import CVolley
import Glibc
import SystemPackage
import Testing
import VolleyTesting

@testable import Volley

/// Options of the IP layer and of devices: what is asked for is what the kernel says afterwards.
@Suite("Socket options", .timeLimit(.minutes(10)))
struct SocketOptionTests {
    private static let v4 = CInt(IPPROTO_IP)
    private static let v6 = CInt(IPPROTO_IPV6)

    /// One option: how it is asked for, and what the kernel is to say on an IPv4, an IPv6 and a dual-stack socket.
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let set: @Sendable (inout DatagramOptions) -> Void
        var ipv4: [[CInt]] = []
        var ipv6: [[CInt]] = []
        var needsAdmin = false
        var testDescription: String { name }
    }

    private static let rows: [Row] = [
        Row(
            name: "traffic class", set: { $0.ip.trafficClass = 0xb9 }, ipv4: [[v4, IP_TOS, 0xb9]],
            ipv6: [[v6, IPV6_TCLASS, 0xb9]]),
        Row(name: "DSCP", set: { $0.ip.dscp = 46 }, ipv4: [[v4, IP_TOS, 0xb8]], ipv6: [[v6, IPV6_TCLASS, 0xb8]]),
        Row(
            name: "hop limit", set: { $0.ip.hopLimit = 7 }, ipv4: [[v4, IP_TTL, 7]],
            ipv6: [[v6, IPV6_UNICAST_HOPS, 7]]),
        Row(
            name: "any address", set: { $0.ip.bindsAnyAddress = true }, ipv4: [[v4, IP_FREEBIND, 1]],
            ipv6: [[v6, IPV6_FREEBIND, 1]]),
        Row(
            name: "transparent", set: { $0.ip.isTransparent = true }, ipv4: [[v4, IP_TRANSPARENT, 1]],
            ipv6: [[v6, IPV6_TRANSPARENT, 1]], needsAdmin: true),
        Row(
            name: "multicast hops", set: { $0.multicast.hopLimit = 9 }, ipv4: [[v4, IP_MULTICAST_TTL, 9]],
            ipv6: [[v6, IPV6_MULTICAST_HOPS, 9]]),
        Row(
            name: "multicast loop", set: { $0.multicast.loopsBack = false }, ipv4: [[v4, IP_MULTICAST_LOOP, 0]],
            ipv6: [[v6, IPV6_MULTICAST_LOOP, 0]]),
        Row(
            name: "multicast all", set: { $0.multicast.receivesUnjoinedGroups = false },
            ipv4: [[v4, IP_MULTICAST_ALL, 0]], ipv6: [[v6, IPV6_MULTICAST_ALL, 0]]),
        Row(
            name: "priority",
            set: {
                $0.device.priority = 5; $0.ip.dscp = 10
            }, ipv4: [[SOL_SOCKET, SO_PRIORITY, 5]],
            ipv6: [[SOL_SOCKET, SO_PRIORITY, 5]]),
        Row(
            name: "mark", set: { $0.device.mark = 0xffff_fff0 }, ipv4: [[SOL_SOCKET, SO_MARK, -16]],
            ipv6: [[SOL_SOCKET, SO_MARK, -16]], needsAdmin: true),
        Row(
            name: "busy poll",
            set: {
                $0.device.busyPoll = .microseconds(50)
                $0.device.prefersBusyPoll = true
            },
            ipv4: [[SOL_SOCKET, SO_BUSY_POLL, 50], [SOL_SOCKET, SO_PREFER_BUSY_POLL, 1]],
            ipv6: [[SOL_SOCKET, SO_BUSY_POLL, 50], [SOL_SOCKET, SO_PREFER_BUSY_POLL, 1]], needsAdmin: true),
        Row(
            name: "interface", set: { $0.device.interface = "lo" }, ipv4: [[SOL_SOCKET, SO_BINDTOIFINDEX, 1]],
            ipv6: [[SOL_SOCKET, SO_BINDTOIFINDEX, 1]]),
        Row(
            name: "interface by index", set: { $0.device.interface = NetworkInterface(index: 1) },
            ipv4: [[SOL_SOCKET, SO_BINDTOIFINDEX, 1]], ipv6: [[SOL_SOCKET, SO_BINDTOIFINDEX, 1]]),
        Row(
            name: "multicast interface", set: { $0.multicast.interface = "lo" },
            ipv6: [[v6, IPV6_MULTICAST_IF, 1]]),
    ]

    @Test("what is asked for is what the kernel says, for each family and for both at once", arguments: rows.indices)
    func readBack(index: Int) throws {
        let row = Self.rows[index]
        if row.needsAdmin && !OptionsNamespace.hasNetworkAdmin {
            try Test.cancel("\(row.name): takes CAP_NET_ADMIN")
        }
        let loop = try EpollLoop()
        for (host, isIPv6Only, expected) in [
            (IPAddress.loopbackV4, nil, row.ipv4), (.loopbackV6, true, row.ipv6), (.anyV6, false, row.ipv4 + row.ipv6),
        ] {
            var options = DatagramOptions()
            options.isIPv6Only = isIPv6Only
            row.set(&options)
            let transport = try loop.bind(to: SocketAddress(host, port: 0), options) { RecordingProtocol() }
            let descriptor = try #require(transport.descriptor)
            for option in expected {
                #expect(System.getOption(descriptor, option[0], option[1]) == option[2], "\(row.name) on \(host)")
            }
            let report = try #require(transport.extraInfo("socketReport") as? SocketReport)
            #expect(report.differences == [])
            #expect(!report.options.isEmpty)
        }
        loop.shutDown()
    }

    @Test(
        "an endpoint of one interface hears nothing that comes in by another",
        .enabled(if: OptionsNamespace.isAvailable, OptionsNamespace.reason))
    func oneInterface() throws {
        try OptionsNamespace.run {
            let loop = try EpollLoop()
            let recorders = (0..<2).map { _ in RecordingProtocol() }
            var options = DatagramOptions()
            options.device.interface = "v0"
            let first = try loop.bind(to: SocketAddress(.anyV4, port: 0), options) { recorders[0] }
            // The same port on another interface is another address.
            options.device.interface = "lo"
            let port = try #require(first.localAddress).port
            _ = try loop.bind(to: SocketAddress(.anyV4, port: port), options) { recorders[1] }
            let peer = Peer()
            peer.send([1], to: SocketAddress(.loopbackV4, port: port))
            loop.settle { !recorders[1].payloads.isEmpty }
            #expect(recorders.map(\.payloads) == [[], [[1]]])
            loop.shutDown()
        }
    }

    @Test("an address that no interface has can be bound, but only when asked for", arguments: [false, true])
    func anyAddress(isIPv6: Bool) throws {
        let loop = try EpollLoop()
        let foreign = SocketAddress(
            isIPv6 ? IPAddress(v6High: 0x2001_0db8 << 32, low: 77) : IPAddress(v4: 0xc000_024d), port: 0)
        let refused = #expect(throws: DatagramError.self) {
            try loop.bind(to: foreign, DatagramOptions()) { RecordingProtocol() }
        }
        #expect(refused?.kind == .addressNotAvailable)
        var options = DatagramOptions()
        options.ip.bindsAnyAddress = true
        let transport = try loop.bind(to: foreign, options) { RecordingProtocol() }
        #expect(transport.localAddress?.ip == foreign.ip)
        loop.shutDown()
    }

    @Test("a failing option is named with its value, and with what to do")
    func named() throws {
        let calls = RecordedCalls()
        calls.optionResult = -Int(Errno.notPermitted.rawValue)
        let loop = try EpollLoop(syscalls: calls.table)
        var options = DatagramOptions()
        options.device.mark = 5
        let error = #expect(throws: DatagramError.self) {
            try loop.bind(to: SocketAddress(.loopbackV4, port: 0), options) { RecordingProtocol() }
        }
        #expect(
            error?.description == "configure: set SO_MARK to 5: Operation not permitted (errno 1); "
                + "it takes CAP_NET_ADMIN or CAP_NET_RAW")
        #expect(calls.socket?.isOpen == false)
        options = DatagramOptions()
        options.device.interface = "volley-none"
        let unknown = #expect(throws: DatagramError.self) {
            try loop.bind(to: SocketAddress(.loopbackV4, port: 0), options) { RecordingProtocol() }
        }
        #expect(unknown?.option?.name == "SO_BINDTODEVICE")
        #expect(
            unknown?.description.hasPrefix("configure: set SO_BINDTODEVICE to volley-none: No such device") == true)
    }

    @Test("options that a kind of socket does not have are refused, not left undone in silence")
    func unix() throws {
        let loop = try EpollLoop()
        var options = DatagramOptions()
        options.ip.hopLimit = 3
        let error = #expect(throws: DatagramError.self) {
            try loop.bind(to: UnixAddress(abstract: "volley-no-hops"), options) { RecordingProtocol() }
        }
        #expect(error?.option?.name == "IP_TTL")
        #expect(error?.errno == .notSupportedOnSocket)
    }

    @Test("a kernel without IP_MULTICAST_ALL is no reason not to join, unless it was asked for")
    func optional() throws {
        var table = Syscalls.kernel
        table.setOption = { descriptor, level, name, value in
            name == IP_MULTICAST_ALL ? -Int(ENOPROTOOPT) : Syscalls.kernel.setOption(descriptor, level, name, value)
        }
        let loop = try EpollLoop(syscalls: table)
        var options = DatagramOptions()
        options.multicast.memberships = [MulticastMembership(IPAddress(v4: 0xef01_0203), interface: "lo")]
        let any = SocketAddress(.anyV4, port: 0)
        let transport = try loop.bind(to: any, options) { RecordingProtocol() }
        try transport.join(MulticastMembership(IPAddress(v4: 0xef01_0204), interface: "lo"))
        options.multicast.receivesUnjoinedGroups = false
        let error = #expect(throws: DatagramError.self) { try loop.bind(to: any, options) { RecordingProtocol() } }
        #expect(error?.option?.name == "IP_MULTICAST_ALL")
        loop.shutDown()
    }

    @Test("durations that no option can hold are no traps", arguments: [Duration.seconds(-1), .seconds(Int64.max)])
    func durations(duration: Duration) {
        var options = DatagramOptions()
        options.device.busyPoll = duration
        let value = options.socketOptions(for: .ipv4, isDualStack: false).first?.value
        #expect(value == (duration < .zero ? -1 : CInt.max))
    }
}
