import Testing

@testable import VolleyCapture

@Suite struct SHA256Tests {
    private func hash(_ pieces: [[UInt8]]) -> String {
        var hash = SHA256()
        // SAFETY: `bytes` is unsafe for the padding some element types have; a UInt8 has none.
        for piece in pieces { unsafe hash.update(piece.span.bytes) }
        return hash.hexDigest
    }

    // Vectors of the NIST example values and the Cryptographic Algorithm Validation Program.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
        ),
    ])
    func publishedVectors(text: String, expected: String) {
        #expect(hash([Array(text.utf8)]) == expected)
    }

    @Test func aMillionTimesTheLetterA() {
        let piece = [UInt8](repeating: 0x61, count: 1_000)
        #expect(
            hash(Array(repeating: piece, count: 1_000))
                == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    @Test func piecesDoNotMatter() {
        let bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0) }
        let whole = hash([bytes])
        for split in bytes.indices {
            #expect(hash([Array(bytes[..<split]), Array(bytes[split...])]) == whole)
        }
        #expect(hash(bytes.map { [$0] }) == whole)
    }

    @Test func aDigestLeavesTheHashUsable() {
        var hash = SHA256()
        let bytes = Array("abc".utf8)
        _ = hash.hexDigest
        // SAFETY: `bytes` is unsafe for the padding some element types have; a UInt8 has none.
        unsafe hash.update(bytes.span.bytes)
        #expect(hash.hexDigest == hash.hexDigest)
        #expect(hash.hexDigest.hasPrefix("ba7816bf"))
    }
}
