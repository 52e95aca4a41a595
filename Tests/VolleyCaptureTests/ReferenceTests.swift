import Testing
import VolleyWire

@testable import VolleyCapture

/// The captures of others against what independent decoders and the Linux kernel say about them.
@Suite(.enabled(if: ReferenceCaptures.table("INDEX.tsv") != nil, "../shared/captures is absent"))
struct ReferenceTests {
    /// A feature of a capture that the reader or decoder does not have; `nil` when everything needed is there.
    ///
    /// It is told from the tables alone, never from what our code makes of the capture.
    static func missingFeature(_ row: [String: String]) -> String? {
        let path = row["path"] ?? ""
        if let suffix = ["gz", "xz", "zst", "lz4"].first(where: { path.hasSuffix("." + $0) }) {
            return "decompression (\(suffix))"
        }
        if row["format"] == "snoop" { return "format snoop" }
        let numbers = (row["linktypes"] ?? "").split(separator: ",").compactMap { UInt32($0) }
        if let unknown = numbers.map(LinkType.init(rawValue:)).first(where: { !$0.isDecoded }) {
            return "\(unknown)"
        }
        let layers = Set((row["l2"] ?? "").split { ">: ;".contains($0) }.map(String.init))
        if let unknown = ["pppoes", "mpls", "macsec", "nsh"].first(where: layers.contains) {
            return "encapsulation \(unknown)"
        }
        if row["reassembled"] != "0" { return "reassembly of fragments" }
        return nil
    }

    @Test func everyCoveredCaptureDeliversWhatTheReferenceSays() throws {
        let rows = try #require(ReferenceCaptures.table("REFERENCE.tsv"))
        var covered = 0
        var missing: [String: [String]] = [:]
        for row in rows {
            let path = try #require(row["path"])
            if let feature = Self.missingFeature(row) {
                missing[feature, default: []].append(path)
                continue
            }
            covered += 1
            let outcome = CaptureOutcome(path: ReferenceCaptures.folder + "/" + path)
            #expect(outcome.digest.delivered == row["delivered"].flatMap { Int($0) }, "\(path)")
            #expect(outcome.digest.payloadBytes == row["payload_bytes"].flatMap { Int($0) }, "\(path)")
            #expect(outcome.digest.sha256Payload == row["sha256_payload"], "\(path)")
            #expect(outcome.digest.sha256Framed == row["sha256_framed"], "\(path)")
        }
        for (feature, paths) in missing.sorted(by: { $0.key < $1.key }) {
            print("not covered for want of \(feature): \(paths.joined(separator: ", "))")
        }
        print("\(covered) of \(rows.count) captures covered")
        // So that a rule above that excludes too much does not pass unseen.
        #expect(covered == 417)
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
                // The tables' tool does not know how many records all of these have.
                #expect(outcome.error == nil && outcome.records > 0, "\(path)")
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

    @Test func icmpErrorsAboutUDPAreAsManyAsTheReferenceCounts() throws {
        let rows = try #require(ReferenceCaptures.table("REFERENCE.tsv"))
        for row in rows where Self.missingFeature(row) == nil || row["reassembled"] != "0" {
            // The column reads `hard:25` or `soft:9 hard:4`.
            let counts = (row["icmp_errors_quoting_udp"] ?? "").split { ": ".contains($0) }.compactMap { Int($0) }
            let path = try #require(row["path"])
            let outcome = CaptureOutcome(path: ReferenceCaptures.folder + "/" + path)
            #expect(outcome.accounting[.icmpError] == counts.reduce(0, +), "\(path)")
        }
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
