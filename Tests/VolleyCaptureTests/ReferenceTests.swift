import Testing
import VolleyCore
import VolleyWire

@testable import VolleyCapture

/// The captures of others against what independent decoders and the Linux kernel say about them.
@Suite(.enabled(if: ReferenceCaptures.table("INDEX.tsv") != nil, "../shared/captures is absent"))
struct ReferenceTests {
    /// The captures whose row is not met, with the reason; a row that is met must not be here.
    ///
    /// Of the formats that `CaptureReader` does not open only those are in it that hold datagrams.
    static let exceptions = Dictionary(
        uniqueKeysWithValues: ["gz", "lz4", "xz", "zst"].map {
            ("DNS-OARC+dnscap/src/test/dns.pcap.\($0)", "compressed")
        })

    @Test func everyCaptureDeliversWhatTheReferenceSays() throws {
        let rows = try #require(ReferenceCaptures.table("REFERENCE.tsv"))
        var equal = 0
        for row in rows {
            let path = try #require(row["path"])
            let outcome = CaptureOutcome(path: ReferenceCaptures.folder + "/" + path)
            let digest = outcome.digest
            let isEqual =
                digest.delivered == row["delivered"].flatMap { Int($0) }
                && digest.payloadBytes == row["payload_bytes"].flatMap { Int($0) }
                && digest.sha256Payload == row["sha256_payload"] && digest.sha256Framed == row["sha256_framed"]
            equal += isEqual ? 1 : 0
            #expect(
                isEqual == (Self.exceptions[path] == nil),
                "\(path): \(digest.delivered) of \(row["delivered"] ?? ""), \(outcome.accounting)")
        }
        print("\(equal) of \(rows.count) captures deliver what the reference says")
        #expect(equal + Self.exceptions.count == rows.count)
    }

    @Test func everyICMPErrorIsWhatTheReferenceSays() throws {
        let rows = try #require(ReferenceCaptures.table("REFERENCE_ICMP.tsv"))
        let expected = Dictionary(grouping: rows) { $0["path"] ?? "" }
        var found = 0
        for path in Set(try #require(ReferenceCaptures.table("INDEX.tsv")).compactMap { $0["path"] }) {
            let outcome = CaptureOutcome(path: ReferenceCaptures.folder + "/" + path)
            let lines = outcome.errors.map { record, error in
                let errno = error.errno
                return [
                    "\(record)", error.family == .ipv6 ? "v6" : "v4", "\(error.type)", "\(error.code)",
                    "\(error.source.ip)", "\(error.source.port)", "\(error.destination.ip)",
                    "\(error.destination.port)", errno?.name ?? "-",
                    errno.map { $0.isHard ? "hard" : "soft" } ?? "ignored",
                    error.hasGoodChecksum == true ? "True" : "False",
                ]
            }
            let columns = [
                "frame", "family", "type", "code", "quoted_src", "quoted_sport", "quoted_dst", "quoted_dport", "errno",
                "class", "icmp_checksum_ok",
            ]
            let wanted = (expected[path] ?? []).map { row in columns.map { row[$0] ?? "" } }
            #expect(lines == wanted, "\(path)")
            found += lines.count
        }
        print("\(found) of \(rows.count) ICMP errors are what the reference says")
        #expect(found == rows.count)
    }

    /// The kernel got the same packets through a TUN device, once with the UDP checksums left out and once as they were.
    @Test(arguments: [(ChecksumPolicy.ignore, "kernel6.18_lenient_delivered"), (.verify, "kernel_strict_delivered")])
    func inKernelModeEveryCaptureDeliversWhatTheKernelDid(checksums: ChecksumPolicy, column: String) throws {
        let rows = try #require(ReferenceCaptures.table("REFERENCE.tsv"))
        var options = DecodingOptions()
        options.delivery = .kernel
        options.checksums = checksums
        var equal = 0
        for row in rows {
            let path = try #require(row["path"])
            guard Self.exceptions[path] == nil else { continue }
            let outcome = CaptureOutcome(path: ReferenceCaptures.folder + "/" + path, options)
            let isEqual = outcome.digest.delivered == row[column].flatMap { Int($0) }
            equal += isEqual ? 1 : 0
            #expect(
                isEqual, "\(path): \(outcome.digest.delivered) of \(row[column] ?? ""), \(outcome.accounting)")
        }
        print("\(column): \(equal) of \(rows.count) captures")
        #expect(equal + Self.exceptions.count == rows.count)
    }

    @Test func everyCaptureIsReadToItsEndAndEveryRecordIsAccountedFor() throws {
        let rows = try #require(ReferenceCaptures.table("INDEX.tsv"))
        var records = 0
        for row in rows {
            let path = try #require(row["path"])
            let outcome = CaptureOutcome(path: ReferenceCaptures.folder + "/" + path)
            #expect(outcome.accounting.total == outcome.records, "\(path)")
            records += outcome.records
            if row["compression"] != "" || row["format"] == "snoop" {
                #expect(outcome.error?.code == .compressed || outcome.error?.code == .unsupportedFormat, "\(path)")
                continue
            }
            #expect((outcome.error != nil) == (row["container_error"] != ""), "\(path)")
            if let error = outcome.error {
                print("damaged: \(error)")
            } else {
                // The tables' tool counts custom blocks, of which test017 consists, as packets of no link type.
                let packets = path.hasSuffix("/test017.pcapng") ? 0 : row["packets"].flatMap { Int($0) }
                #expect(outcome.records == packets, "\(path)")
            }
        }
        print("\(records) records in \(rows.count) captures")
    }

    @Test func everyCaptureSurvivesDamage() throws {
        let rows = try #require(ReferenceCaptures.table("INDEX.tsv"))
        var random = UInt64(1)
        for row in rows {
            let path = try #require(row["path"])
            var bytes = try #require(ReferenceCaptures.readFile(ReferenceCaptures.folder + "/" + path))
            guard bytes.count > 24, bytes.count < 100_000 else { continue }
            // The file header stays, for without it nothing is read.
            for _ in 0..<1 + bytes.count / 200 {
                random = random &* 6_364_136_223_846_793_005 &+ 1
                bytes[24 + Int(random >> 33) % (bytes.count - 24)] = UInt8(truncatingIfNeeded: random >> 56)
            }
            let outcome = CaptureOutcome(bytes: bytes)
            #expect(outcome.accounting.total == outcome.records, "\(path)")
        }
    }
}
