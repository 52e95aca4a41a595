import VolleyCore

/// Letter case as DNS has it: only the 26 letters of ASCII (RFC 4343).
///
/// All of this may be applied to whole names in wire form, length octets included: a length is at most 63, and "A" is
/// 65.
enum LetterCase {
    /// The lower-case form of one octet.
    @inline(__always)
    static func lower(_ octet: UInt8) -> UInt8 {
        octet &- 0x41 < 26 ? octet | 0x20 : octet
    }

    /// The lower-case form of eight octets at once.
    @inline(__always)
    static func lower(_ word: UInt64) -> UInt64 {
        let low = word & 0x7f7f_7f7f_7f7f_7f7f
        // The top bit of each octet says whether its low seven bits are at least "A", and whether they are beyond "Z".
        let atLeastA = low &+ 0x3f3f_3f3f_3f3f_3f3f
        let beyondZ = low &+ 0x2525_2525_2525_2525
        let isLetter = (atLeastA & ~beyondZ) & ~word & 0x8080_8080_8080_8080
        return word | isLetter >> 2
    }
}
