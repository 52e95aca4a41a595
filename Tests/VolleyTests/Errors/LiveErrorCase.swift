import SystemPackage
import Testing

@testable import Volley

/// One way for a datagram to fail, and what is then to be heard of it.
struct LiveErrorCase: CustomTestStringConvertible, Sendable {
    let name: String
    let family: InternetFamily
    let errno: Errno
    let destination: SocketAddress
    /// What is set up in the lab for it: a script for the host.
    var hostScript = ""
    var payload: [UInt8] = Array("volley".utf8)
    var pathMTUDiscovery: PathMTUDiscovery?
    /// ICMP type, code and sender; nil when the host itself refuses the send.
    var icmp: (type: UInt8, code: UInt8, offender: IPAddress)?
    var info: UInt32 = 0
    /// Whether a connected endpoint hears of it without the error queue.
    var isHard = false
    /// Whether an endpoint without the error queue hears of it, where the host refuses the send.
    var isShown = true

    var testDescription: String { "\(name), \(family)" }

    /// Where the endpoint of that number sends to: what one learns of the MTU of a path is known to all.
    func destination(of number: Int) -> SocketAddress {
        errno == .messageTooLong && icmp != nil
            ? SocketAddress(.test(family, 2, 17 + UInt8(number)), port: 9) : destination
    }

    /// What an endpoint is told that reads its error queue, or does not: then it gets no details.
    func error(to destination: SocketAddress, hasQueue: Bool = true) -> DatagramError {
        let origin = icmp.map { DatagramError.Origin.icmp(type: $0.type, code: $0.code, offender: $0.offender) }
        return DatagramError(
            errno, operation: .send, origin: origin ?? .local, peer: destination, info: hasQueue ? info : 0,
            quoted: Array(payload.prefix(512)))
    }

    /// Errors that come from somewhere in the network.
    static let network: [LiveErrorCase] = InternetFamily.allCases.flatMap { family in
        let isIPv6 = family.isIPv6
        let (router, far) = (IPAddress.test(family, 1, 2), IPAddress.test(family, 2, 1))
        func address(_ network: UInt8, _ host: UInt8) -> SocketAddress {
            SocketAddress(.test(family, network, host), port: 9)
        }
        return [
            LiveErrorCase(
                name: "a closed port", family: family, errno: .connectionRefused, destination: address(2, 1),
                icmp: isIPv6 ? (1, 4, far) : (3, 3, far), isHard: true),
            LiveErrorCase(
                name: "a host that is not there, behind the router", family: family, errno: .noRouteToHost,
                destination: address(2, 99), icmp: isIPv6 ? (1, 3, router) : (3, 1, router)),
            LiveErrorCase(
                name: "a neighbour that is not there", family: family, errno: .noRouteToHost,
                destination: address(1, 99),
                icmp: isIPv6 ? (1, 3, .test(family, 1, 1)) : (3, 1, .test(family, 1, 1))),
            LiveErrorCase(
                name: "a network the router does not know", family: family, errno: .networkUnreachable,
                destination: address(7, 1), icmp: isIPv6 ? (1, 0, router) : (3, 0, router)),
            LiveErrorCase(
                name: "a network the router prohibits", family: family,
                errno: isIPv6 ? .permissionDenied : .noRouteToHost, destination: address(8, 1),
                icmp: isIPv6 ? (1, 1, router) : (3, 13, router), isHard: true),
            LiveErrorCase(
                name: "more than the path takes", family: family, errno: .messageTooLong, destination: address(2, 1),
                payload: [UInt8](repeating: 7, count: 1_400), pathMTUDiscovery: .do,
                icmp: isIPv6 ? (2, 0, router) : (3, 4, router), info: 1_300, isHard: true),
        ]
    }

    /// Errors of a send that the host itself refuses.
    static let local: [LiveErrorCase] = InternetFamily.allCases.flatMap { family in
        func address(_ network: UInt8, _ host: UInt8) -> SocketAddress {
            SocketAddress(.test(family, network, host), port: 9)
        }
        func route(_ kind: String) -> String {
            "ip route add \(kind) " + (family.isIPv6 ? "fd00:14::/64" : "10.0.20.0/24")
        }
        var cases = [
            LiveErrorCase(
                name: "no route", family: family, errno: .networkUnreachable, destination: address(66, 1)),
            LiveErrorCase(
                name: "an unreachable route", family: family, errno: .noRouteToHost, destination: address(20, 1),
                hostScript: route("unreachable")),
            LiveErrorCase(
                name: "a prohibited route", family: family, errno: .permissionDenied, destination: address(20, 1),
                hostScript: route("prohibit")),
            LiveErrorCase(
                name: "a blackhole", family: family, errno: .invalidArgument, destination: address(20, 1),
                hostScript: route("blackhole")),
            LiveErrorCase(
                name: "more than UDP takes", family: family, errno: .messageTooLong, destination: address(2, 1),
                payload: [UInt8](repeating: 1, count: family.isIPv6 ? 65_528 : 65_508), info: 1_500),
            LiveErrorCase(
                name: "a full queue of the interface", family: family, errno: .noBufferSpace,
                destination: address(2, 1), hostScript: "tc qdisc add dev a0 root tbf rate 8bit burst 1 limit 1",
                isShown: false),
        ]
        if !family.isIPv6 {
            cases.append(
                LiveErrorCase(
                    name: "a broadcast without permission", family: family, errno: .permissionDenied,
                    destination: address(1, 255)))
        }
        return cases
    }

    /// Datagrams that a firewall of this host drops.
    static let filtered: [LiveErrorCase] = InternetFamily.allCases.map { family in
        LiveErrorCase(
            name: "a firewall", family: family, errno: .notPermitted,
            destination: SocketAddress(.test(family, 2, 1), port: 9),
            hostScript: """
                nft add table inet volley
                nft add chain inet volley output '{ type filter hook output priority 0; }'
                nft add rule inet volley output udp dport 9 drop
                """)
    }
}
