import Testing
import VolleyCore

@testable import VolleyWire

@Suite("TCP segments")
struct TCPSegmentTests {
    /// Ports 5000 to 53, one option, three bytes; the checksum is the one for ``ipv4``.
    private static let tcp = "1388 0035 01020304 a1a2a3a4 6018 0400 e35a 0000 020405b4 616263"
    private static let ipv4 = "4500 002f 0001 4000 4006 14fb c0000201 c6336402" + tcp

    private func segment(
        _ frame: [UInt8], _ linkType: LinkType, originalLength: Int? = nil, checksums: ChecksumPolicy = .ignore
    ) -> Result<TCPSegment, TCPRefusal> {
        TCPSegment.decode(
            decode(frame, linkType, originalLength: originalLength), in: RawSpan(frame.span), linkType: linkType,
            checksums: checksums)
    }

    @Test func theFieldsOfASegmentOverIPv4() throws {
        let frame = hex(Self.ipv4)
        let segment = try segment(frame, .rawIP).get()
        #expect(segment.source == Packet.source4 && segment.destination == Packet.destination4)
        #expect(segment.sequence == 0x0102_0304 && segment.acknowledgement == 0xa1a2_a3a4)
        #expect(segment.flags == [.ack, .psh] && segment.window == 1_024)
        #expect(Array(copying: segment.payload(in: RawSpan(frame.span))) == Array("abc".utf8))
    }

    @Test func everyLinkTypeAndFamilyLeadsToIt() throws {
        let ethernet = hex("020000000001 020000000002 0800" + Self.ipv4 + "0000")
        #expect(try segment(ethernet, .ethernet).get().payloadLength == 3)
        let vlan = hex("020000000001 020000000002 8100 0001 0800" + Self.ipv4)
        #expect(try segment(vlan, .ethernet).get().payloadOffset == 18 + 44)
        // Behind a destination options header.
        let ipv6 = hex(Packet.ipv6Header(length: 35, next: 60) + "06 00 010400000000" + Self.tcp)
        let decoded = try segment(ipv6, .rawIP).get()
        #expect(decoded.source == Packet.source6 && decoded.destination == Packet.destination6)
        #expect(decoded.payloadLength == 3)
    }

    @Test func whatIsNotTCPIsRefused() {
        #expect(segment(hex(Packet.ipv4), .rawIP) == .failure(.notTCP))
        // An ARP packet whose first bytes look like IPv4 that carries TCP.
        var arp = hex("4500002e0001 020000064002 0806" + Self.tcp)
        #expect(segment(arp, .ethernet) == .failure(.notTCP))
        arp.removeAll()
        #expect(segment(arp, .ethernet) == .failure(.notTCP))
    }

    @Test func lengthsAreChecked() {
        var frame = hex(Self.ipv4)
        frame[32] = 0x40
        #expect(segment(frame, .rawIP) == .failure(.headerLength))
        frame[32] = 0xf0
        #expect(segment(frame, .rawIP) == .failure(.headerLength))
        frame = hex(Self.ipv4)
        frame[3] = 39
        #expect(segment(frame, .rawIP) == .failure(.headerLength))
        frame = hex(Self.ipv4)
        frame[6] = 0x20
        #expect(segment(frame, .rawIP) == .failure(.fragment))
    }

    @Test func aRecordThatWasCutShowsWhatIsThere() throws {
        let frame = hex(Self.ipv4)
        for count in frame.indices {
            let result = segment(Array(frame[..<count]), .rawIP, originalLength: frame.count)
            switch count {
            case 44...:
                let cut = try result.get()
                #expect(cut.payloadLength == 3 && cut.capturedLength == count - 44)
            case 20..<44: #expect(result == .failure(.cut))
            default: #expect(result == .failure(.notTCP))
            }
        }
    }

    @Test func checksumsCountOnRequest() throws {
        var frame = hex(Self.ipv4)
        setChecksums(&frame)
        #expect(try segment(frame, .rawIP, checksums: .verify).get().payloadLength == 3)
        for index in [4, 21, 46] {
            var bad = frame
            bad[index] ^= 1
            #expect(segment(bad, .rawIP, checksums: .verify) == .failure(.badChecksum))
            #expect((try? segment(bad, .rawIP).get()) != nil)
        }
    }

    /// Fills in both checksums of ``ipv4``.
    private func setChecksums(_ frame: inout [UInt8]) {
        (frame[10], frame[11], frame[36], frame[37]) = (0, 0, 0, 0)
        var header = InternetChecksum()
        header.add(RawSpan(Array(frame[..<20]).span))
        (frame[10], frame[11]) = (UInt8(header.value >> 8), UInt8(header.value & 0xff))
        var sum = InternetChecksum()
        sum.add(Packet.source4.ip)
        sum.add(Packet.destination4.ip)
        sum.add(6 as UInt16)
        sum.add(UInt16(frame.count - 20))
        sum.add(RawSpan(Array(frame[20...]).span))
        (frame[36], frame[37]) = (UInt8(sum.value >> 8), UInt8(sum.value & 0xff))
    }
}
