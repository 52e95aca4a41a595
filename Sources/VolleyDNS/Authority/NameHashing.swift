import VolleyCore

/// How a zone hashes names for NSEC3 (RFC 5155 section 5).
struct NameHashing: Sendable {
    /// More rounds than this serve nobody but attackers (RFC 9276 section 3.2).
    static let iterationsMax: UInt16 = 500

    var salt: [UInt8] = []
    var iterations: UInt16 = 0

    /// The hash of a name in lower case, 20 octets.
    func hash(_ name: RawSpan) -> SHA1.Digest {
        var digest = SHA1.digest(name, RawSpan(salt.span))
        for _ in 0..<iterations {
            let octets = digest.octets
            digest = SHA1.digest(RawSpan(octets.span), RawSpan(salt.span))
        }
        return digest
    }
}

/// SHA-1 (RFC 3174), which NSEC3 is made with; for nothing that has to withstand collisions.
struct SHA1 {
    /// 160 bits, most significant first.
    struct Digest: Hashable, Comparable {
        var high: UInt64
        var middle: UInt64
        var low: UInt32

        static func < (left: Digest, right: Digest) -> Bool {
            (left.high, left.middle, left.low) < (right.high, right.middle, right.low)
        }

        var octets: InlineArray<20, UInt8> {
            InlineArray { index in
                switch index {
                case 0..<8: UInt8(truncatingIfNeeded: high >> UInt64(56 - 8 * index))
                case 8..<16: UInt8(truncatingIfNeeded: middle >> UInt64(56 - 8 * (index - 8)))
                default: UInt8(truncatingIfNeeded: low >> UInt32(24 - 8 * (index - 16)))
                }
            }
        }
    }

    private var state: (UInt32, UInt32, UInt32, UInt32, UInt32) = (
        0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0
    )
    private var block = InlineArray<16, UInt32>(repeating: 0)
    private var count = 0

    /// The digest of two parts, one behind the other.
    static func digest(_ first: RawSpan, _ second: RawSpan) -> Digest {
        var hash = SHA1()
        let (one, other) = (first.bytes, second.bytes)
        for index in one.indices { hash.append(one[index]) }
        for index in other.indices { hash.append(other[index]) }
        return hash.finish()
    }

    private mutating func append(_ octet: UInt8) {
        let place = count & 63
        block[place >> 2] |= UInt32(octet) << UInt32(24 - 8 * (place & 3))
        count += 1
        if place == 63 { compress() }
    }

    private mutating func finish() -> Digest {
        let bits = UInt64(count) * 8
        append(0x80)
        while count & 63 != 56 { append(0) }
        for shift in stride(from: UInt64(56), through: 0, by: -8) { append(UInt8(truncatingIfNeeded: bits >> shift)) }
        return Digest(
            high: UInt64(state.0) << 32 | UInt64(state.1), middle: UInt64(state.2) << 32 | UInt64(state.3), low: state.4
        )
    }

    private mutating func compress() {
        var words = block
        block = InlineArray(repeating: 0)
        var (a, b, c, d, e) = state
        for round in 0..<80 {
            if round >= 16 {
                let mixed =
                    words[(round + 13) & 15] ^ words[(round + 8) & 15] ^ words[(round + 2) & 15] ^ words[round & 15]
                words[round & 15] = mixed << 1 | mixed >> 31
            }
            let (function, constant): (UInt32, UInt32) =
                switch round / 20 {
                case 0: (b & c | ~b & d, 0x5a82_7999)
                case 1: (b ^ c ^ d, 0x6ed9_eba1)
                case 2: (b & c | b & d | c & d, 0x8f1b_bcdc)
                default: (b ^ c ^ d, 0xca62_c1d6)
                }
            let next = (a << 5 | a >> 27) &+ function &+ e &+ constant &+ words[round & 15]
            (a, b, c, d, e) = (next, a, b << 30 | b >> 2, c, d)
        }
        state = (state.0 &+ a, state.1 &+ b, state.2 &+ c, state.3 &+ d, state.4 &+ e)
    }
}
