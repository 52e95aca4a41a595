import Glibc
import Testing
import VolleyCore

@Suite("Socket addresses")
struct SocketAddressTests {
    @Test(
        "Text goes both ways",
        arguments: [
            ("192.0.2.1:53", "192.0.2.1:53"), ("0.0.0.0:0", "0.0.0.0:0"),
            ("255.255.255.255:65535", "255.255.255.255:65535"), ("[::]:0", "[::]:0"),
            ("[2001:DB8:0::1]:53", "[2001:db8::1]:53"), ("[::ffff:192.0.2.1]:53", "[::ffff:192.0.2.1]:53"),
            ("[fe80::1%3]:53", "[fe80::1%3]:53"), ("[fe80::1%0]:53", "[fe80::1]:53"),
            (
                "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535",
                "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535"
            ),
        ])
    func text(_ text: String, canonical: String) throws {
        let address = try SocketAddress(parsing: text)
        #expect(address.description == canonical)
        #expect(SocketAddress(canonical) == address)
    }

    @Test("A parsed address has its parts")
    func parts() throws {
        let v6 = try SocketAddress(parsing: "[fe80::1%3]:53")
        #expect(v6.family == .ipv6 && v6.port == 53 && v6.scope == 3 && v6.flowInfo == 0)
        #expect(v6.ip == IPAddress("fe80::1"))
        let v4 = try SocketAddress(parsing: "192.0.2.1:65535")
        #expect(v4.family == .ipv4 && v4.port == 65535 && v4.scope == 0)
        #expect(v4.ip == IPAddress("192.0.2.1"))
    }

    @Test(
        "Malformed text is refused with its reason and place",
        arguments: [
            ("", .unexpectedEnd, 0),
            ("192.0.2.1", .missingPort, 9),
            ("192.0.2.1:", .unexpectedEnd, 10),
            ("192.0.2.1:65536", .numberTooLarge, 10),
            ("192.0.2.1:053", .leadingZero, 10),
            ("192.0.2.1:+53", .unexpectedCharacter, 10),
            ("192.0.2.1:53 ", .unexpectedCharacter, 12),
            ("192.0.2.1:domain", .unexpectedCharacter, 10),
            ("192.0.2:53", .unexpectedCharacter, 7),
            ("192.0.2.1%3:53", .unexpectedCharacter, 9),
            (":53", .unexpectedCharacter, 0),
            ("localhost:53", .unexpectedCharacter, 0),
            ("::1", .missingBrackets, 0),
            ("2001:db8::1:53", .missingBrackets, 0),
            ("[::1]", .missingPort, 5),
            ("[::1", .unexpectedEnd, 4),
            ("[::1]53", .unexpectedCharacter, 5),
            ("[::1]:", .unexpectedEnd, 6),
            ("[::1]:65536", .numberTooLarge, 6),
            ("[]:53", .unexpectedCharacter, 1),
            ("[192.0.2.1]:53", .unexpectedCharacter, 10),
            ("[1:2:3:4:5:6:7:8:9]:53", .tooManyGroups, 16),
            ("[fe80::1%]:53", .unexpectedCharacter, 9),
            ("[fe80::1%3", .unexpectedEnd, 10),
            ("[fe80::1%4294967296]:53", .numberTooLarge, 9),
            ("[fe80::1%03]:53", .leadingZero, 9),
            ("[fe80::1%eth0]:53", .unknownInterface, 9),
        ] as [(String, AddressError.Code, Int)])
    func malformed(text: String, code: AddressError.Code, offset: Int) {
        let error = #expect(throws: AddressError.self) { try SocketAddress(parsing: text) }
        #expect(error == AddressError(code, text: text, offset: offset))
        #expect(SocketAddress(text) == nil)
    }

    @Test("A scope by name is resolved by the caller, one of digits is not asked about")
    func interfaceNames() throws {
        var asked: [String] = []
        func index(of name: String) -> UInt32? {
            asked.append(name)
            return name == "eth0.7" ? 9 : nil
        }
        let named = try SocketAddress(parsing: "[fe80::1%eth0.7]:53", interfaceIndex: index)
        #expect(named.scope == 9)
        #expect(named.description == "[fe80::1%9]:53")
        #expect(try SocketAddress(parsing: "[fe80::1%12]:53", interfaceIndex: index).scope == 12)
        let error = #expect(throws: AddressError.self) {
            try SocketAddress(parsing: "[fe80::1%wlan0]:53", interfaceIndex: index)
        }
        #expect(error?.code == .unknownInterface)
        #expect(asked == ["eth0.7", "wlan0"])
    }

    @Test("Mapping keeps the port and drops what IPv4 has not")
    func mapping() throws {
        let v4 = try SocketAddress(parsing: "192.0.2.1:53")
        #expect(v4.mappedToIPv6.description == "[::ffff:192.0.2.1]:53")
        #expect(v4.mappedToIPv6.unmapped == v4)
        #expect(v4.unmapped == v4)
        let v6 = try SocketAddress(parsing: "[fe80::1%3]:53")
        #expect(v6.mappedToIPv6 == v6)
        #expect(v6.unmapped == v6)
        #expect(SocketAddress.unspecified.mappedToIPv6 == .unspecified)
        #expect(SocketAddress.unspecified.description == "(unspecified)")
    }

    @Test("The memory of an IPv4 address is a sockaddr_in")
    func sockaddrIn() {
        #expect(MemoryLayout<SocketAddress>.size == MemoryLayout<sockaddr_in6>.size)
        #expect(MemoryLayout<SocketAddress>.size == 28)
        var reference = sockaddr_in()
        reference.sin_family = sa_family_t(AF_INET)
        reference.sin_port = in_port_t(5353).bigEndian
        reference.sin_addr.s_addr = in_addr_t(0xc000_020a).bigEndian
        let bytes = octets(of: SocketAddress(IPAddress(v4: 0xc000_020a), port: 5353))
        #expect(Array(bytes.prefix(MemoryLayout<sockaddr_in>.size)) == octets(of: reference))
        #expect(bytes.dropFirst(MemoryLayout<sockaddr_in>.size).allSatisfy { $0 == 0 })
    }

    @Test("The memory of an IPv6 address is a sockaddr_in6")
    func sockaddrIn6() {
        var reference = sockaddr_in6()
        reference.sin6_family = sa_family_t(AF_INET6)
        reference.sin6_port = in_port_t(5353).bigEndian
        reference.sin6_flowinfo = UInt32(0x000a_bcde).bigEndian
        // SAFETY: inet_pton(3) writes the 16 bytes of an in6_addr.
        #expect(unsafe inet_pton(AF_INET6, "fe80::1:2", &reference.sin6_addr) == 1)
        reference.sin6_scope_id = 7
        let address = SocketAddress(
            IPAddress(v6High: 0xfe80 << 48, low: 0x0001_0002), port: 5353, scope: 7, flowInfo: 0xa_bcde)
        #expect(octets(of: address) == octets(of: reference))
    }

    private func octets<Value>(of value: Value) -> [UInt8] {
        // SAFETY: the bytes are copied within the closure; neither type has padding.
        unsafe withUnsafeBytes(of: value) { unsafe Array($0) }
    }
}
