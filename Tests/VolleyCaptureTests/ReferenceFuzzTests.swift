import Testing
import VolleyCore
import VolleyWire

@testable import VolleyCapture

/// Changed records of the captures of others: whatever comes, nothing traps and every record is accounted for.
@Suite(.enabled(if: ReferenceCaptures.table("INDEX.tsv") != nil, "../shared/captures is absent"))
struct ReferenceFuzzTests {
    /// A record copied out of its file.
    struct Seed {
        let bytes: [UInt8]
        let originalLength: Int
        let linkType: LinkType
    }

    static let mutations = 100_000

    /// The first 40 records of each capture, none longer than 400 bytes: headers are what is looked at.
    static func seeds() throws -> [Seed] {
        var seeds: [Seed] = []
        for row in try #require(ReferenceCaptures.table("INDEX.tsv")) {
            guard let path = row["path"], let bytes = ReferenceCaptures.readFile(ReferenceCaptures.folder + "/" + path),
                var reader = try? CaptureReader(bytes: bytes)
            else { continue }
            for _ in 0..<40 {
                guard let record = try? reader.next() else { break }
                guard record.capturedLength <= 400 else { continue }
                seeds.append(
                    Seed(
                        bytes: Array(copying: record.bytes), originalLength: record.originalLength,
                        linkType: record.linkType))
            }
        }
        return seeds
    }

    /// One to four changes: a bit, a byte, a piece cut off or doubled, or a length that is a lie.
    static func mutate(_ seed: Seed, _ random: inout SplitMix64) -> Seed {
        var bytes = seed.bytes
        var originalLength = seed.originalLength
        var linkType = seed.linkType
        for _ in 0...random.next(below: 4) {
            guard !bytes.isEmpty else { break }
            let place = random.next(below: bytes.count)
            switch random.next(below: 8) {
            case 0, 1: bytes[place] ^= 1 << UInt8(random.next(below: 8))
            case 2, 3: bytes[place] = UInt8(truncatingIfNeeded: random.next())
            case 4: bytes[place] = [0, 0xff, 0x7f, 0x80, 44, 17][random.next(below: 6)]
            case 5: bytes.removeSubrange(place...)
            case 6: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 8)], at: place)
            default:
                if random.next(below: 2) == 0 {
                    originalLength = [0, .max, .min, 65_536][random.next(below: 4)]
                } else if random.next(below: 8) == 0 {
                    linkType = LinkType(rawValue: UInt32(random.next(below: 300)))
                }
            }
        }
        return Seed(bytes: bytes, originalLength: originalLength, linkType: linkType)
    }

    @Test func changedRecordsTrapNowhereAndAreAllCounted() throws {
        let seeds = try Self.seeds()
        #expect(seeds.count > 1_000)
        var random = SplitMix64(seed: 2026)
        var strict = DecodingOptions()
        strict.delivery = .kernel
        strict.tunnels = .all
        strict.fragments = .linux
        strict.fragments.bytesMax = 100_000
        var tunnelled = DecodingOptions()
        tunnelled.checksums = .verify
        tunnelled.tunnels = .all
        var decoders = [RecordDecoder(), RecordDecoder(strict), RecordDecoder(tunnelled)]
        var delivered = 0
        for _ in 0..<Self.mutations {
            let record = Self.mutate(seeds[random.next(below: seeds.count)], &random)
            let bytes = RawSpan(record.bytes.span)
            for index in decoders.indices {
                let frame = decoders[index].decode(
                    bytes, originalLength: record.originalLength, linkType: record.linkType,
                    at: Int64(truncatingIfNeeded: random.next()))
                let payload = decoders[index].payload(of: frame, in: bytes)
                delivered += frame.isDelivered ? 1 : 0
                if payload.count != frame.payloadLength { Issue.record("the payload is not what the frame says") }
                if !frame.isReassembled, let error = ICMPError(frame, in: bytes) {
                    if error.payload(in: bytes).byteCount != error.payloadLength { Issue.record("a wrong quote") }
                } else if !frame.isReassembled, frame.recordClass == .icmpError {
                    Issue.record("an error that cannot be read: \(record.bytes) of \(record.linkType)")
                }
            }
        }
        for decoder in decoders { #expect(decoder.accounting.total == Self.mutations) }
        print("\(Self.mutations) changed records of \(seeds.count), \(delivered) of \(3 * Self.mutations) delivered")
        #expect(delivered > Self.mutations / 10)
    }
}
