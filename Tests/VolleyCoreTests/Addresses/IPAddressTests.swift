import Testing
import VolleyCore

@Suite("IP addresses")
struct IPAddressTests {
    /// One address, and for which of the questions the answer is yes.
    struct Case: CustomTestStringConvertible {
        let text: String
        var unspecified = false
        var loopback = false
        var multicast = false
        var linkLocal = false
        var mapped = false
        var testDescription: String { text }
    }

    @Test(
        "Classes end where their prefixes end",
        arguments: [
            Case(text: "0.0.0.0", unspecified: true), Case(text: "0.0.0.1"), Case(text: "::", unspecified: true),
            Case(text: "::ffff:0.0.0.0", unspecified: true, mapped: true),
            Case(text: "126.255.255.255"), Case(text: "127.0.0.0", loopback: true),
            Case(text: "127.255.255.255", loopback: true), Case(text: "128.0.0.0"),
            Case(text: "::1", loopback: true), Case(text: "::2"), Case(text: "1::1"), Case(text: "::7f00:1"),
            Case(text: "::ffff:127.0.0.1", loopback: true, mapped: true),
            Case(text: "223.255.255.255"), Case(text: "224.0.0.0", multicast: true),
            Case(text: "239.255.255.255", multicast: true), Case(text: "240.0.0.0"),
            Case(text: "feff::"), Case(text: "ff00::", multicast: true), Case(text: "ff02::fb", multicast: true),
            Case(text: "::ffff:224.0.0.251", multicast: true, mapped: true),
            Case(text: "169.253.255.255"), Case(text: "169.254.0.0", linkLocal: true),
            Case(text: "169.254.255.255", linkLocal: true), Case(text: "169.255.0.0"),
            Case(text: "fe7f:ffff::"), Case(text: "fe80::", linkLocal: true), Case(text: "febf::", linkLocal: true),
            Case(text: "fec0::"), Case(text: "::ffff:169.254.1.1", linkLocal: true, mapped: true),
            Case(text: "::fffe:127.0.0.1"), Case(text: "1::ffff:127.0.0.1"),
        ])
    func classes(_ expected: Case) throws {
        let address = try IPAddress(parsing: expected.text)
        #expect(address.isUnspecified == expected.unspecified)
        #expect(address.isLoopback == expected.loopback)
        #expect(address.isMulticast == expected.multicast)
        #expect(address.isLinkLocal == expected.linkLocal)
        #expect(address.isIPv4Mapped == expected.mapped)
    }

    @Test("Well-known addresses are what they are called")
    func wellKnown() {
        #expect(IPAddress.anyV4.description == "0.0.0.0")
        #expect(IPAddress.anyV6.description == "::")
        #expect(IPAddress.loopbackV4.description == "127.0.0.1")
        #expect(IPAddress.loopbackV6.description == "::1")
    }

    @Test("Mapping to IPv6 and back gives the same address")
    func mapping() throws {
        let address = try IPAddress(parsing: "192.0.2.1")
        #expect(address.mappedToIPv6.description == "::ffff:192.0.2.1")
        #expect(address.mappedToIPv6.unmapped == address)
        #expect(address.unmapped == address)
        let native = try IPAddress(parsing: "2001:db8::1")
        #expect(native.mappedToIPv6 == native)
        #expect(native.unmapped == native)
        // An IPv4 address and the IPv6 address of the same number are different.
        #expect(IPAddress.anyV4 != IPAddress.anyV6)
    }

    @Test("Bytes are in network order, 4 or 16 and nothing else")
    func bytes() throws {
        let v4: [UInt8] = [192, 0, 2, 1]
        let v6: [UInt8] = [0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
        for octets in [v4, v6] {
            let parsed = IPAddress(bytes: octets.span)
            let address = try #require(parsed)
            #expect((0..<address.octetCount).map { address.octet($0) } == octets)
            let written = try [UInt8](byteCapacity: octets.count) { writer throws(ByteError) in
                try writer.write(address)
            }
            #expect(written == octets)
            #expect(throws: ByteError.self) {
                try [UInt8](byteCapacity: octets.count - 1) { writer throws(ByteError) in try writer.write(address) }
            }
        }
        #expect(IPAddress(bytes: v6.span)?.description == "2001:db8:102:304:506:708:90a:b0c")
        for count in 0...17 where count != 4 && count != 16 {
            #expect(IPAddress(bytes: [UInt8](repeating: 1, count: count).span) == nil)
        }
    }

    @Test("An IPv6 address that is cut off is not read at all")
    func cutOff() throws {
        let bytes = [UInt8](repeating: 1, count: 15)
        var reader = ByteReader(bytes.span)
        #expect(throws: ByteError(.endOfBytes, offset: 0, count: 16)) { try reader.readIPv6Address() }
        #expect(reader.offset == 0)
    }
}
