import Testing

@testable import VolleyWire

@Suite struct RecordAccountingTests {
    @Test func classesAndReasonsAreDenseAndNamed() {
        #expect(RecordClass.all.map(\.index) == Array(0..<RecordClass.count))
        #expect(Set(RecordClass.all.map(\.name)).count == RecordClass.count)
        #expect(MalformedReason.all.map(\.index) == Array(1..<MalformedReason.count))
        #expect(Set(MalformedReason.all.map(\.name)).count == MalformedReason.count - 1)
    }

    @Test func theSumIsTheNumberOfRecords() {
        var accounting = RecordAccounting()
        for (index, recordClass) in RecordClass.all.enumerated() {
            for _ in 0...index { accounting.count(recordClass, reason: recordClass == .malformed ? .ipVersion : .none) }
        }
        #expect(accounting.total == 91)
        #expect(accounting[.delivered] == 1)
        #expect(accounting[.malformed] == 13)
        #expect(accounting[MalformedReason.ipVersion] == 13)
        #expect(accounting[MalformedReason.shortIPHeader] == 0)
        #expect(accounting == accounting)
        #expect(accounting != RecordAccounting())
    }

    @Test func aFrameCountsAsItsClassAndReason() {
        var accounting = RecordAccounting()
        accounting.count(decode(hex(Packet.ipv4), .rawIP))
        accounting.count(decode(hex("45"), .rawIP))
        #expect(accounting[.delivered] == 1)
        #expect(accounting[MalformedReason.shortIPHeader] == 1)
        #expect(accounting.description == "delivered 1, malformed 1")
    }
}
