import Testing

@testable import Volley

/// The wire format, byte by byte: two versions of a program have to agree on it.
@Suite("Messages of the hand-over")
struct HandoverMessageTests {
    @Test(
        "each message has the bytes that version 1 says, and is read from them",
        arguments: [
            (HandoverMessage.hello, [0x56, 0x4c, 0x59, 0x48, 1, 1]),
            (.offer(names: []), [0x56, 0x4c, 0x59, 0x48, 1, 2, 0, 0]),
            (.offer(names: ["a", "", "bc"]), [0x56, 0x4c, 0x59, 0x48, 1, 2, 0, 3, 1, 0x61, 0, 2, 0x62, 0x63]),
            (.ready, [0x56, 0x4c, 0x59, 0x48, 1, 3]),
            (.committed, [0x56, 0x4c, 0x59, 0x48, 1, 4]),
            (.refused(reason: "no"), [0x56, 0x4c, 0x59, 0x48, 1, 5, 0x6e, 0x6f]),
        ] as [(HandoverMessage, [UInt8])])
    func bytes(message: HandoverMessage, bytes: [UInt8]) throws {
        #expect(message.bytes == bytes)
        #expect(try HandoverMessage(bytes: bytes) == message)
    }

    @Test("the largest offer fits, and is read again")
    func largest() throws {
        let names = (0..<HandoverMessage.socketsMax).map { _ in String(repeating: "n", count: 255) }
        let bytes = HandoverMessage.offer(names: names).bytes
        #expect(bytes.count == HandoverMessage.countMax)
        #expect(try HandoverMessage(bytes: bytes) == .offer(names: names))
    }

    @Test("what is no message of version 1 is refused, never trusted")
    func malformed() {
        let offer = HandoverMessage.offer(names: ["name", "other"]).bytes
        var cases = (0..<offer.count).map { Array(offer.prefix($0)) }
        cases += [
            offer + [0], HandoverMessage.hello.bytes + [0], Array("VLYH".utf8) + [1, 6], Array("XLYH".utf8) + [1, 1],
            Array("VLYH".utf8) + [1, 2, 0xff, 0xff],
        ]
        for bytes in cases {
            let error = #expect(throws: LifecycleError.self) { try HandoverMessage(bytes: bytes) }
            #expect(error?.code == .malformedMessage)
        }
    }

    @Test("another version is told apart, but its refusal is understood")
    func otherVersion() throws {
        for kind: UInt8 in 1...4 {
            let error = #expect(throws: LifecycleError.self) {
                try HandoverMessage(bytes: Array("VLYH".utf8) + [2, kind, 9, 9])
            }
            #expect(error?.code == .wrongVersion)
            #expect(error?.message.contains("version 2") == true)
        }
        let refusal = try HandoverMessage(bytes: Array("VLYH".utf8) + [2, 5] + Array("too old".utf8))
        #expect(refusal == .refused(reason: "too old"))
    }
}
