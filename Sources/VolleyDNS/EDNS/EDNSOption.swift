public import VolleyCore

/// An option of EDNS: a number and octets (RFC 6891 section 6.1.2), with readers and makers for those in common use.
public struct EDNSOption: Hashable, Sendable {
    /// The number: 3 NSID, 8 client subnet, 10 cookie, 12 padding, 15 extended error.
    public let code: UInt16
    /// The octets.
    public let data: [UInt8]

    /// Any option.
    public init(code: UInt16, data: [UInt8]) {
        self.code = code
        self.data = data
    }

    /// The name server's identifier, empty in a query (RFC 5001).
    public static func nsid(_ identifier: [UInt8] = []) -> EDNSOption { EDNSOption(code: 3, data: identifier) }

    /// A cookie of the client and, if known, of the server (RFC 7873): 8, and 8 to 32 octets.
    public static func cookie(client: UInt64, server: [UInt8] = []) -> EDNSOption {
        EDNSOption(code: 10, data: (0..<8).map { UInt8(truncatingIfNeeded: client >> (56 - 8 * $0)) } + server)
    }

    /// As many zero octets (RFC 7830).
    public static func padding(_ count: Int) -> EDNSOption {
        EDNSOption(code: 12, data: [UInt8](repeating: 0, count: max(0, min(count, 65_535))))
    }

    /// The network a query comes from (RFC 7871); bits beyond the prefix are cleared.
    ///
    /// - Parameters:
    ///   - address: any address of the network.
    ///   - prefix: its length; no more than the address has bits.
    ///   - scope: in an answer, the length of the prefix it holds for.
    public static func clientSubnet(_ address: IPAddress, prefix: Int, scope: UInt8 = 0) -> EDNSOption {
        let prefix = max(0, min(prefix, address.octetCount * 8))
        var data: [UInt8] = [0, address.isIPv6 ? 2 : 1, UInt8(prefix), scope]
        for index in 0..<(prefix + 7) / 8 {
            let bits = min(8, prefix - 8 * index)
            data.append(address.octet(index) & ~UInt8(0xff >> bits))
        }
        return EDNSOption(code: 8, data: data)
    }

    /// Why an answer is as it is (RFC 8914).
    public static func extendedError(_ info: UInt16, _ text: String = "") -> EDNSOption {
        EDNSOption(code: 15, data: [UInt8(info >> 8), UInt8(truncatingIfNeeded: info)] + Array(text.utf8))
    }

    /// The parts of a cookie; `nil` for other options and for lengths that RFC 7873 does not have.
    public var cookie: (client: UInt64, server: [UInt8])? {
        guard code == 10, data.count == 8 || 16...40 ~= data.count else { return nil }
        return (data[..<8].reduce(0) { $0 << 8 | UInt64($1) }, Array(data[8...]))
    }

    /// The parts of a client subnet; `nil` for other options and malformed ones (RFC 7871 section 6).
    public var clientSubnet: (address: IPAddress, prefix: Int, scope: UInt8)? {
        guard code == 8, data.count >= 4, data[0] == 0, data[1] == 1 || data[1] == 2 else { return nil }
        let (size, prefix) = (data[1] == 1 ? 4 : 16, Int(data[2]))
        guard prefix <= size * 8, data.count == 4 + (prefix + 7) / 8 else { return nil }
        let bytes = Array(data[4...]) + [UInt8](repeating: 0, count: size - (data.count - 4))
        guard let address = IPAddress(bytes: bytes.span) else { return nil }
        return (address, prefix, data[3])
    }

    /// The number and text of an extended error; `nil` for other options.
    public var extendedError: (info: UInt16, text: String)? {
        guard code == 15, data.count >= 2 else { return nil }
        return (UInt16(data[0]) << 8 | UInt16(data[1]), String(decoding: data[2...], as: UTF8.self))
    }
}

extension EDNSOption: CustomStringConvertible {
    /// The name, or `OPT` and the number, and the octets in hexadecimal or as what they mean.
    public var description: String {
        if let subnet = clientSubnet { return "CLIENT-SUBNET \(subnet.address)/\(subnet.prefix)/\(subnet.scope)" }
        if let error = extendedError { return "EDE \(error.info)\(error.text.isEmpty ? "" : " (\(error.text))")" }
        if code == 12 { return "PADDING \(data.count)" }
        var text: [UInt8] = []
        Base.append(hexadecimal: RawSpan(data.span), to: &text)
        let name = code == 3 ? "NSID" : code == 10 ? "COOKIE" : "OPT\(code)"
        return "\(name) \(String(decoding: text, as: UTF8.self))"
    }
}
