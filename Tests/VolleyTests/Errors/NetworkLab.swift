import Testing
import VolleyTesting

@testable import Volley

/// A host, a router and a far host, each in a namespace of its own, with IPv4 and IPv6.
///
///     host .1 ---- network 1, MTU 1500 ---- .2 router .2 ---- network 2, MTU 1300 ---- .1, .17 to .22 far
///
/// The host has routes via the router to the networks 2 to 9 and no other. The router knows no more than the two it is
/// in, and prohibits 8.
final class NetworkLab {
    let host: NetworkNamespace
    let router: NetworkNamespace
    let far: NetworkNamespace

    init() throws {
        host = try NetworkNamespace()
        router = try NetworkNamespace()
        far = try NetworkNamespace()
        try router.set("1", "ipv4/ip_forward", "ipv6/conf/all/forwarding")
        try host.run(
            """
            ip link add a0 type veth peer name r0 netns \(router.path)
            ip link set a0 up
            ip addr add 10.0.1.1/24 dev a0
            ip addr add fd00:1::1/64 dev a0 nodad
            """)
        try router.run(
            """
            ip link add r1 type veth peer name b0 netns \(far.path)
            ip link set r0 up
            ip link set r1 mtu 1300 up
            ip addr add 10.0.1.2/24 dev r0
            ip addr add fd00:1::2/64 dev r0 nodad
            ip addr add 10.0.2.2/24 dev r1
            ip addr add fd00:2::2/64 dev r1 nodad
            ip route add prohibit 10.0.8.0/24
            ip route add prohibit fd00:8::/64
            """)
        try far.run(
            """
            ip link set b0 mtu 1300 up
            ip addr add 10.0.2.1/24 dev b0
            ip addr add fd00:2::1/64 dev b0 nodad
            ip route add default via 10.0.2.2
            ip route add default via fd00:2::2
            """)
        for host in 17...22 {
            try far.run("ip addr add 10.0.2.\(host)/24 dev b0")
            try far.run("ip addr add fd00:2::\(String(host, radix: 16))/64 dev b0 nodad")
        }
        for network in 2...9 {
            try host.run("ip route add 10.0.\(network).0/24 via 10.0.1.2")
            try host.run("ip route add fd00:\(network)::/64 via fd00:1::2")
        }
        // What nobody answers for is given up after some milliseconds.
        for (namespace, link) in [(host, "a0"), (router, "r1")] {
            for family in ["ipv4", "ipv6"] {
                try namespace.set("1", "\(family)/neigh/\(link)/mcast_solicit")
                try namespace.set("5", "\(family)/neigh/\(link)/retrans_time_ms")
            }
        }
        try waitForLinks()
    }

    /// Links take a moment until they carry something.
    private func waitForLinks() throws {
        for family in InternetFamily.allCases {
            let near = try host.peer(SocketAddress(.test(family, 1, 1), port: 0))
            let peer = try far.peer(SocketAddress(.test(family, 2, 1), port: 0))
            waitUntil {
                near.send([0], to: peer.address)
                peer.drain()
                return !peer.arrivals.isEmpty
            }
            try #require(!peer.arrivals.isEmpty, "no way to the far host")
        }
    }
}

/// An endpoint inside of a namespace, and all it has been told.
final class Probe {
    let recorder = RecordingProtocol()
    let transport: RingTransport

    /// - Parameter peer: what it is connected to; nil for an unconnected one.
    init(
        _ family: InternetFamily, on loop: EpollLoop, to peer: SocketAddress? = nil, from local: SocketAddress? = nil,
        receivesErrors: ErrorReception, pathMTUDiscovery: PathMTUDiscovery? = nil
    ) throws {
        var options = DatagramOptions()
        options.receivesErrors = receivesErrors
        options.pathMTUDiscovery = pathMTUDiscovery
        transport =
            if let peer {
                try loop.connect(to: peer, from: local, options) { [recorder] in recorder }
            } else {
                try loop.bind(to: local ?? SocketAddress(family.isIPv6 ? .anyV6 : .anyV4, port: 0), options) {
                    [recorder] in recorder
                }
            }
    }

    var errors: [DatagramError] { recorder.errors }

    func send(_ payload: [UInt8], to peer: SocketAddress) {
        transport.send(payload, to: peer)
        transport.flush()
    }

    /// Whether a datagram to `peer` arrives, and one from there: what shows that the endpoint lives on.
    func exchanges(with peer: PeerSocket, on loop: EpollLoop) -> Bool {
        guard let address = peer.address.socketAddress, let local = transport.localAddress else { return false }
        let (sent, received) = (peer.arrivals.count, recorder.payloads.count)
        send([0x55], to: address)
        loop.settle {
            peer.drain()
            return peer.arrivals.count > sent
        }
        // Where it is bound to the wildcard, the peer knows the host's address.
        let host: IPAddress = local.ip.isUnspecified ? .test(local.ip.isIPv6 ? .v6 : .v4, 1, 1) : local.ip
        peer.send([0xaa], to: PeerAddress(SocketAddress(host, port: local.port)))
        loop.settle { recorder.payloads.count > received }
        return peer.arrivals.last == [0x55] && recorder.payloads.last == [0xaa] && !transport.isClosing
    }
}
