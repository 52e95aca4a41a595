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

    @Test("an MTU is known where the datagram was too long and somebody said for what")
    func mtu() {
        let peer = SocketAddress(IPAddress(v4: 0xc000_0201), port: 53)
        let own = DatagramError(.messageTooLong, operation: .send, peer: peer, info: 1_280)
        #expect(own.mtu == 1_280)
        #expect(own.pointer == nil)
        #expect(own.description.hasSuffix("path MTU 1280"))
        #expect(DatagramError(.messageTooLong, operation: .send, peer: peer).mtu == nil)
        #expect(DatagramError(.protocolError, operation: .send, peer: peer, info: 1_280).mtu == nil)
        let router = IPAddress(v4: 0xc633_6401)
        let icmp = DatagramError(
            .messageTooLong, operation: .send, origin: .icmp(type: 3, code: 4, offender: router), peer: peer,
            info: 1_400, quoted: [1, 2])
        #expect(icmp.mtu == 1_400)
        #expect(icmp.description.hasSuffix("ICMP type 3 code 4 from 198.51.100.1, path MTU 1400"))
        #expect(!icmp.description.contains("\n"))
    }

    @Test(
        "a pointer is known from parameter problems only, whose type depends on the family",
        arguments: [
            (.loopbackV4, 12, 7), (.loopbackV4, 4, nil), (.loopbackV4, 3, nil), (.loopbackV6, 4, 7),
            (.loopbackV6, 12, nil), (IPAddress.loopbackV4.mappedToIPv6, 12, 7),
        ] as [(IPAddress, UInt8, UInt32?)])
    func pointer(offender: IPAddress, type: UInt8, pointer: UInt32?) {
        let error = DatagramError(
            .protocolError, operation: .send, origin: .icmp(type: type, code: 0, offender: offender), info: 7)
        #expect(error.pointer == pointer)
        #expect(error.description.hasSuffix("at byte 7") == (pointer != nil))
        let peer = SocketAddress(offender, port: 1)
        let unsigned = DatagramError(
            .protocolError, operation: .send, origin: .icmp(type: type, code: 0), peer: peer, info: 7)
        #expect(unsigned.pointer == pointer)
    }

    @Test("whom the error queue concerns")
    func reception() {
        #expect(ErrorReception.allCases.map { $0.applies(whenConnected: true) } == [false, true, true])
        #expect(ErrorReception.allCases.map { $0.applies(whenConnected: false) } == [false, false, true])
    }
}
