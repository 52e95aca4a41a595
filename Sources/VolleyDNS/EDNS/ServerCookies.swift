import VolleyCore

/// Cookies that need no memory of clients (RFC 7873, RFC 9018): version 1, with SipHash-2-4.
public struct ServerCookies: Sendable {
    private let secret: (UInt64, UInt64)

    /// Cookies of a secret of 128 bits.
    ///
    /// Servers that answer for one address have to share it (RFC 9018 section 4).
    ///
    /// By default it is random.
    public init(secret: (UInt64, UInt64)? = nil) {
        var generator = SystemRandomNumberGenerator()
        self.secret = secret ?? (generator.next(), generator.next())
    }

    /// A cookie for a client.
    func cookie(client: UInt64, address: IPAddress, now seconds: UInt32) -> ServerOPT.Cookie {
        let head = 0x0100_0000 << 32 | UInt64(seconds)
        return ServerOPT.Cookie(client: client, head: head, hash: hash(client, head, address))
    }

    /// Whether a cookie is one of ours that is neither older than an hour nor more than five minutes ahead
    /// (RFC 9018 section 4.3).
    func isValid(client: UInt64, head: UInt64, hash value: UInt64, address: IPAddress, now seconds: UInt32) -> Bool {
        guard head >> 32 == 0x0100_0000 else { return false }
        // Serial arithmetic (RFC 1982).
        let age = Int32(bitPattern: seconds &- UInt32(truncatingIfNeeded: head))
        return age <= 3600 && age >= -300 && value == hash(client, head, address)
    }

    private func hash(_ client: UInt64, _ head: UInt64, _ address: IPAddress) -> UInt64 {
        let address = address.unmapped
        var hash = SipHash(secret.0, secret.1)
        hash.combine(client.byteSwapped)
        hash.combine(head.byteSwapped)
        if let bits = address.v4Bits { return hash.finish(UInt64(bits.byteSwapped), count: 20).byteSwapped }
        hash.combine(address.high.byteSwapped)
        hash.combine(address.low.byteSwapped)
        return hash.finish(0, count: 32).byteSwapped
    }
}

/// SipHash-2-4 of whole words and a rest of up to seven octets, all little-endian.
struct SipHash {
    private var v0, v1, v2, v3: UInt64

    init(_ key0: UInt64, _ key1: UInt64) {
        v0 = key0 ^ 0x736f_6d65_7073_6575
        v1 = key1 ^ 0x646f_7261_6e64_6f6d
        v2 = key0 ^ 0x6c79_6765_6e65_7261
        v3 = key1 ^ 0x7465_6462_7974_6573
    }

    @inline(__always)
    private mutating func round() {
        v0 = v0 &+ v1
        v1 = (v1 << 13 | v1 >> 51) ^ v0
        v0 = v0 << 32 | v0 >> 32
        v2 = v2 &+ v3
        v3 = (v3 << 16 | v3 >> 48) ^ v2
        v0 = v0 &+ v3
        v3 = (v3 << 21 | v3 >> 43) ^ v0
        v2 = v2 &+ v1
        v1 = (v1 << 17 | v1 >> 47) ^ v2
        v2 = v2 << 32 | v2 >> 32
    }

    mutating func combine(_ word: UInt64) {
        v3 ^= word
        round()
        round()
        v0 ^= word
    }

    /// The hash, `rest` being the octets behind the last whole word and `count` that of all.
    mutating func finish(_ rest: UInt64, count: Int) -> UInt64 {
        combine(UInt64(truncatingIfNeeded: count) << 56 | rest)
        v2 ^= 0xff
        round()
        round()
        round()
        round()
        return v0 ^ v1 ^ v2 ^ v3
    }
}
