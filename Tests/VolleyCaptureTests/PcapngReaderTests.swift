import Testing
import VolleyWire

@testable import VolleyCapture

@Suite struct PcapngReaderTests {
    @Test(arguments: [true, false])
    func packetsInBothByteOrders(isBigEndian: Bool) {
        var file = CaptureBytes(isBigEndian: isBigEndian)
        file.section()
        file.interface(101)
        file.enhancedPacket(time: 0x0006_0a24_1b2c_3d4e, [1, 2, 3, 4, 5], original: 1_500)
        let (records, error) = readAll(file.bytes)
        #expect(error == nil)
        #expect(
            records == [
                RecordCopy(
                    bytes: [1, 2, 3, 4, 5], time: 0x0006_0a24_1b2c_3d4e * 1_000, linkType: .rawIP, original: 1_500)
            ])
    }

    @Test func interfacesHaveTheirOwnLinkTypesSnapLengthsAndTimes() {
        var file = CaptureBytes(isBigEndian: true)
        file.section()
        file.interface(1, snapLength: 96)
        file.interface(0, snapLength: 128, options: [(2, Array("lo0".utf8)), (9, [9])])
        file.interface(101, options: [(9, [0x8a]), (14, [0, 0, 0, 0, 0, 0, 0, 100])])
        file.enhancedPacket(interface: 2, time: 1_536, [3])
        file.enhancedPacket(interface: 0, time: 5, [1])
        file.enhancedPacket(interface: 1, time: 5, [2])
        let (records, error) = readAll(file.bytes)
        #expect(error == nil)
        #expect(records.map(\.linkType) == [.rawIP, .ethernet, .null])
        #expect(records.map(\.interface) == [2, 0, 1])
        #expect(records.map(\.time) == [101_500_000_000, 5_000, 5])
    }

    @Test func sectionsHaveTheirOwnByteOrderAndInterfaces() {
        var first = CaptureBytes(isBigEndian: false)
        first.section()
        first.interface(1)
        first.enhancedPacket(time: 1, [1])
        var second = CaptureBytes(isBigEndian: true)
        second.section()
        second.interface(101)
        second.enhancedPacket(time: 2, [2])
        let (records, error) = readAll(first.bytes + second.bytes + first.bytes)
        #expect(error == nil)
        #expect(records.map(\.linkType) == [.ethernet, .rawIP, .ethernet])
        #expect(records.map(\.time) == [1_000, 2_000, 1_000])
    }

    @Test func simplePacketsHaveNoTimeAndTheFirstInterfacesSnapLength() {
        var file = CaptureBytes(isBigEndian: false)
        file.section()
        file.interface(101, snapLength: 4)
        file.enhancedPacket(time: 7, [9])
        file.simplePacket([1, 2, 3, 4], original: 60)
        file.simplePacket([5, 6, 7], original: 3)
        let (records, error) = readAll(file.bytes)
        #expect(error == nil)
        #expect(records.map(\.bytes) == [[9], [1, 2, 3, 4], [5, 6, 7]])
        #expect(records.map(\.original) == [1, 60, 3])
        #expect(records.map(\.time) == [7_000, 7_000, 7_000])
        #expect(records.map(\.hasTime) == [true, false, false])
    }

    @Test func obsoletePacketBlocksAreRead() {
        var file = CaptureBytes(isBigEndian: true)
        file.section()
        file.interface(1)
        file.interface(113)
        file.obsoletePacket(interface: 1, time: 3, [1, 2])
        let (records, error) = readAll(file.bytes)
        #expect(error == nil)
        #expect(
            records == [RecordCopy(bytes: [1, 2], time: 3_000, linkType: .linuxSLL, original: 2, interface: 1)])
    }

    @Test func otherBlocksAreSkippedHoweverLong() {
        var file = CaptureBytes(isBigEndian: false)
        file.section()
        file.block(4) { $0.put(0 as UInt32) }
        file.interface(101)
        file.block(0xbad) { $0.put([UInt8](repeating: 1, count: 1_000_000)) }
        file.enhancedPacket(time: 0, [1])
        file.block(5) { $0.put(0 as UInt64) }
        let (records, error) = readAll(file.bytes)
        #expect(error == nil)
        #expect(records.map(\.bytes) == [[1]])
    }

    @Test func commentsAndDirectionsAreRead() {
        var file = CaptureBytes(isBigEndian: true)
        file.section()
        file.interface(101)
        file.enhancedPacket(time: 0, [1], options: [(1, Array("héllo".utf8)), (1, [0x78]), (2, [0, 0, 0, 2])])
        file.enhancedPacket(time: 0, [2], options: [(2, [0, 0, 0, 0x0d])])
        file.enhancedPacket(time: 0, [3])
        // An option that claims to be longer than its block costs the option, and not the packet.
        file.block(6) {
            for word in [0, 0, 0, 4, 4, 0xffff_ffff, 0x0001_ffff] as [UInt32] { $0.put(word) }
        }
        let (records, error) = readAll(file.bytes)
        #expect(error == nil)
        #expect(records.map(\.comment) == ["héllo", nil, nil, nil])
        #expect(records.map(\.direction) == [.outbound, .inbound, .unknown, .unknown])
    }

    @Test func aSectionOfAnUnknownVersionIsReadOn() {
        var file = CaptureBytes(isBigEndian: false)
        file.section(major: 9)
        file.interface(101)
        file.enhancedPacket(time: 0, [1])
        #expect(readAll(file.bytes).records.count == 1)
    }

    @Test func damageNamesBlockAndOffset() throws {
        var start = CaptureBytes(isBigEndian: false)
        start.section()
        start.interface(101)
        start.enhancedPacket(time: 0, [1])
        let offset = Int64(start.bytes.count)
        func damage(_ code: CaptureError.Code, _ words: String, _ add: (inout CaptureBytes) -> Void) throws {
            var file = start
            add(&file)
            let (records, error) = readAll(file.bytes)
            #expect(records.count == 1)
            let found = try #require(error)
            #expect(found.code == code)
            #expect(found.block == 4)
            #expect(found.byteOffset == offset)
            #expect(found.message.contains(words), "\(found)")
        }
        try damage(.corrupt, "claims 5 bytes, more than the 4") { $0.enhancedPacket(time: 0, [1, 2, 3], captured: 5) }
        try damage(.corrupt, "begins with a length of 36 and ends with 37") {
            $0.block(6, trailingLength: 37) { for _ in 0..<6 { $0.put(0 as UInt32) } }
        }
        try damage(.corrupt, "ends with 37") { $0.block(77, trailingLength: 37) { $0.put(0 as UInt32) } }
        try damage(.corrupt, "length of 8") { for word in [6, 8, 8] as [UInt32] { $0.put(word) } }
        try damage(.corrupt, "length of 14") { for word in [99, 14, 0, 14] as [UInt32] { $0.put(word) } }
        try damage(.limitExceeded, "more than the 16777216") {
            for word in [6, 0x4000_0000, 0] as [UInt32] { $0.put(word) }
        }
        try damage(.truncated, "claims 1073741824 bytes") {
            for word in [99, 0x4000_0000, 0] as [UInt32] { $0.put(word) }
        }
        try damage(.truncated, "claims 64 bytes") { for word in [6, 64, 0] as [UInt32] { $0.put(word) } }
        try damage(.truncated, "after 3 of the 12") { $0.put([1, 2, 3]) }
        try damage(.corrupt, "more than its block") { $0.simplePacket([1], original: 9) }
        try damage(.corrupt, "byte-order magic") {
            $0.block(0x0a0d_0d0a) { for _ in 0..<4 { $0.put(0 as UInt32) } }
        }
    }

    @Test(
        "packets on interfaces never described are counted as such, and the reading goes on", arguments: [false, true])
    func undescribedInterfaces(isBigEndian: Bool) throws {
        var file = CaptureBytes(isBigEndian: isBigEndian)
        file.section()
        file.simplePacket([1, 2, 3], original: 3)
        file.interface(101)
        file.enhancedPacket(time: 5, [1])
        file.enhancedPacket(interface: 1, time: 9, [2])
        file.enhancedPacket(time: 7, [3])
        // The interfaces of a section end with it.
        file.section()
        file.enhancedPacket(time: 9, [4])
        var reader = try CaptureReader(bytes: file.bytes)
        var accounting = RecordAccounting()
        var seen: [String] = []
        let filter = try CaptureFilter("ip or ip6 or not ip")
        while let record = try reader.next() {
            accounting.count(record.decode())
            let time = record.hasTimestamp ? "\(record.timestampNanoseconds)" : "no time"
            let isMatching = try filter.matches(record)
            seen.append("\(record.interface) \(record.linkType) \(record.capturedLength) \(time) \(isMatching)")
        }
        #expect(
            seen == [
                "0 undescribed interface 3 no time false", "0 RAW 1 5000 true",
                "1 undescribed interface 1 no time false",
                "0 RAW 1 7000 true", "0 undescribed interface 1 no time false",
            ])
        #expect(accounting[.malformed] == 5)
        #expect(accounting[.undescribedInterface] == 3)
    }

    @Test func interfacesAreLimited() throws {
        var file = CaptureBytes(isBigEndian: false)
        file.section()
        for _ in 0...CaptureReader.interfacesMax { file.interface(1) }
        #expect(readAll(file.bytes).error?.code == .limitExceeded)
    }
}
