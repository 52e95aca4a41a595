import Testing
import VolleyWire

@testable import VolleyCapture

@Suite struct ReferenceTests {
    @Test func explore() throws {
        let rows = try #require(ReferenceCaptures.table("REFERENCE.tsv"))
        for row in rows {
            let o = CaptureOutcome(path: ReferenceCaptures.folder + "/" + row["path"]!)
            let ok = "\(o.digest.delivered)" == row["delivered"]! && o.digest.sha256Payload == row["sha256_payload"]! && o.digest.sha256Framed == row["sha256_framed"]!
            let counts = "\(o.accounting[.cut])/\(row["truncated"]!) udp \(o.accounting[.badUDPLength])/\(row["bad_udp_len"]!) ip \(o.accounting[.badIPLength])/\(row["bad_ip_len"]!) icmp \(o.accounting[.icmpError])/\(row["icmp_errors_quoting_udp"]!)"
            let same = o.accounting[.cut] == Int(row["truncated"]!)! && o.accounting[.badUDPLength] == Int(row["bad_udp_len"]!)! && o.accounting[.badIPLength] == Int(row["bad_ip_len"]!)! && o.accounting[.icmpError] == Int(row["icmp_errors_quoting_udp"]!) ?? 0
            if !ok || !same { print(ok ? "CNT" : "BAD", row["path"]!, row["linktypes"]!, "\(o.digest.delivered)/\(row["delivered"]!)", counts, o.records, row["frames"]!, row["l2"]!, o.accounting, o.error.map(String.init(describing:)) ?? "") }
        }
    }
}
