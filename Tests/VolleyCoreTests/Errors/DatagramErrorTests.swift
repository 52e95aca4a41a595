import SystemPackage
import Testing
import VolleyCore

@Suite("Errors")
struct DatagramErrorTests {
    @Test(
        "every errno has its kind, by number",
        arguments: [
            (111, .connectionRefused), (104, .connectionReset), (32, .connectionReset), (107, .connectionReset),
            (113, .hostUnreachable), (64, .hostUnreachable), (101, .networkUnreachable), (100, .networkUnreachable),
            (112, .hostDown), (92, .protocolUnreachable), (95, .protocolUnreachable), (71, .protocolError),
            (90, .messageTooLong), (13, .permissionDenied), (1, .permissionDenied), (105, .noBufferSpace),
            (12, .noBufferSpace), (98, .addressInUse), (99, .addressNotAvailable), (97, .addressFamilyNotSupported),
            (89, .destinationRequired), (106, .alreadyConnected), (2, .fileNotFound), (22, .invalidArgument),
            (9, .badDescriptor), (88, .badDescriptor), (14, .badDescriptor), (24, .tooManyFiles), (23, .tooManyFiles),
            (5, .other), (0, .other), (9_999, .other), (-1, .other),
        ] as [(CInt, DatagramError.Kind)])
    func kinds(number: CInt, kind: DatagramError.Kind) {
        #expect(DatagramError.Kind(Errno(rawValue: number)) == kind)
        #expect(DatagramError(Errno(rawValue: number), operation: .send).kind == kind)
    }

    @Test("the description says what, where to, why and whose")
    func description() {
        let peer = SocketAddress(IPAddress(v4: 0xc000_0201), port: 53)
        let own = DatagramError(.messageTooLong, operation: .send, peer: peer)
        #expect(own.description.hasPrefix("send to 192.0.2.1:53: "))
        #expect(own.description.contains("errno 90"))
        let inherited = DatagramError(.connectionRefused, operation: .send, origin: .network, peer: peer)
        #expect(inherited.description.hasSuffix("reported by the network for an earlier datagram"))
        let router = IPAddress(v4: 0xc633_6401)
        let icmp = DatagramError(
            .noRouteToHost, operation: .receive, origin: .icmp(type: 3, code: 1, offender: router), peer: peer)
        #expect(icmp.description.hasSuffix("ICMP type 3 code 1 from 198.51.100.1"))
        #expect(icmp.origin.icmp?.offender == router)
        #expect(own.origin.icmp == nil)
    }
}
