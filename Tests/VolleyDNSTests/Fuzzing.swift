import Testing

#if canImport(Glibc)
import Glibc
#endif

/// How long to try: VOLLEY_FUZZ_ROUNDS and VOLLEY_FUZZ_SEED say otherwise.
enum FuzzRounds {
    private static func number(_ variable: String) -> UInt64? {
        guard let value = unsafe getenv(variable) else { return nil }
        return unsafe UInt64(String(cString: value))
    }

    static func count(_ usual: Int) -> Int { number("VOLLEY_FUZZ_ROUNDS").map { Int(clamping: $0) } ?? usual }

    static var seed: UInt64 { number("VOLLEY_FUZZ_SEED") ?? 0x5eed }
}

/// One to four changes of a kind that break formats.
enum Mutation {
    static func apply(_ bytes: inout [UInt8], _ generator: inout SplitMix64) {
        for _ in 0...generator.next() % 4 {
            guard !bytes.isEmpty else { return bytes.append(UInt8(truncatingIfNeeded: generator.next())) }
            let place = Int(generator.next() % UInt64(bytes.count))
            switch generator.next() % 7 {
            case 0: bytes[place] ^= 1 << UInt8(generator.next() % 8)
            case 1: bytes[place] = UInt8(truncatingIfNeeded: generator.next())
            case 2: bytes[place] = [0, 0x3f, 0x40, 0x80, 0xc0, 0xff][Int(generator.next() % 6)]
            case 3: bytes.removeSubrange(place...)
            case 4: bytes.remove(at: place)
            case 5: bytes.insert(UInt8(truncatingIfNeeded: generator.next()), at: place)
            default: bytes += bytes[place...].prefix(64)
            }
        }
    }
}
