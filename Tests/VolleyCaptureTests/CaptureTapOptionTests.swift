import Glibc
import Synchronization
import SystemPackage
import Testing
import VolleyCore
import VolleyWire

@testable import VolleyCapture

/// Rotation, sampling, the flight recorder, and what happens when a disk is full.
@Suite struct CaptureTapOptionTests {
    private static let local = SocketAddress(IPAddress(v4: 0xc000_0201), port: 53)
    private static let start: Int64 = 1_700_000_000_000_000_000

    private static func peer(_ number: Int) -> SocketAddress {
        SocketAddress(IPAddress(v4: 0xc633_6400 + UInt32(number / 1_000)), port: UInt16(1_024 + number % 1_000))
    }

    private static func record(
        _ tap: CaptureTap, _ numbers: some Sequence<Int>, every nanoseconds: Int64 = 1_000_000_000, length: Int = 100
    ) {
        let payload = [UInt8](repeating: 0x61, count: length)
        for number in numbers {
            let time = WallClockTime(nanosecondsSinceEpoch: start + Int64(number) * nanoseconds)
            tap.received(RawSpan(payload.span), from: peer(number), to: local, at: time)
        }
    }

    private static func ports(_ path: String) throws -> [Int] {
        var reader = try CaptureReader(path: path)
        var ports: [Int] = []
        while let record = try reader.next() {
            let source = record.decode().source
            ports.append(Int(source.port) - 1_024)
        }
        return ports
    }

    @Test func aFileThatIsFullIsRenamedAndANewOneBegins() throws {
        let scratch = try Scratch()
        var options = CaptureTap.Options()
        options.rotation = CaptureRotation(bytesMax: 1_000)
        let tap = try CaptureTap(path: scratch.file("echo.pcapng"), options: options)
        Self.record(tap, 0..<10)
        // 172 bytes a block and 60 before them: the sixth fills a file.
        #expect(scratch.names == ["echo.pcapng", "echo_00001_20231114221320.pcapng"])
        #expect(try Self.ports(scratch.file("echo_00001_20231114221320.pcapng")) == Array(0..<6))
        try tap.close()
        #expect(scratch.names == ["echo_00001_20231114221320.pcapng", "echo_00002_20231114221326.pcapng"])
        #expect(tap.files == scratch.names.map { scratch.file($0) })
        #expect(tap.written == 10)
        var merged = try CaptureReader(paths: CapturePaths.expand([scratch.file("echo*.pcapng")]))
        while try merged.advance() {}
        #expect(merged.recordCount == 10)
    }

    @Test func filesEndByTheTimeOfTheirFirstPacket() throws {
        let scratch = try Scratch()
        var options = CaptureTap.Options()
        options.rotation = CaptureRotation(interval: .seconds(3))
        let tap = try CaptureTap(path: scratch.file("echo"), options: options)
        Self.record(tap, [0, 1, 2, 3, 9, 10, 13])
        try tap.close()
        #expect(try tap.files.map { try Self.ports($0) } == [[0, 1, 2], [3], [9, 10], [13]])
        #expect(tap.files.last?.hasSuffix("/echo_00004_20231114221333") == true)
    }

    @Test func theOldestFilesAreRemoved() throws {
        let scratch = try Scratch()
        var options = CaptureTap.Options()
        options.rotation = CaptureRotation(interval: .seconds(1), filesMax: 3)
        let tap = try CaptureTap(path: scratch.file("echo.pcapng"), options: options)
        for number in 0..<8 {
            Self.record(tap, [number])
            #expect(scratch.names.count <= 3)
        }
        try tap.close()
        #expect(try scratch.names.map { try Self.ports(scratch.file($0)) } == [[5], [6], [7]])
    }

    @Test func aNameThatIsTakenEndsTheRecordingAndIsLeftAlone() throws {
        let scratch = try Scratch()
        let taken = try scratch.write([1, 2, 3], to: "echo_00001_20231114221320.pcapng")
        let told = Mutex<[CaptureError]>([])
        var options = CaptureTap.Options()
        options.rotation = CaptureRotation(interval: .seconds(1))
        options.onFailure = { error in told.withLock { $0.append(error) } }
        let tap = try CaptureTap(path: scratch.file("echo.pcapng"), options: options)
        Self.record(tap, 0..<4)
        #expect(told.withLock { $0.map(\.errno) } == [.fileExists])
        #expect(ReferenceCaptures.readFile(taken) == [1, 2, 3])
        #expect(tap.written + tap.failed == 4)
        #expect(try Self.ports(scratch.file("echo.pcapng")) == [0])
        #expect(throws: CaptureError.self) { try tap.close() }
    }

    @Test func oneInSoManyDatagramsIsRecorded() throws {
        let tap = CaptureTap(sampling: .datagrams(oneIn: 4))
        Self.record(tap, 0..<10)
        #expect(tap.written == 3)
        #expect(readAll(tap.bytes).records.map { ($0.time - Self.start) / 1_000_000_000 } == [0, 4, 8])
    }

    @Test func aPeerIsRecordedInBothDirectionsOrNotAtAll() throws {
        let tap = CaptureTap(sampling: .flows(oneIn: 5))
        let payload = [1] as [UInt8]
        let time = WallClockTime(nanosecondsSinceEpoch: Self.start)
        var chosen = 0
        for number in 0..<2_000 {
            let before = tap.written
            for _ in 0..<2 {
                tap.received(RawSpan(payload.span), from: Self.peer(number), to: Self.local, at: time)
                tap.sent(RawSpan(payload.span), from: Self.local, to: Self.peer(number), at: time)
            }
            let recorded = tap.written - before
            try #require(recorded == 0 || recorded == 4)
            if recorded == 4 { chosen += 1 }
        }
        #expect(300...500 ~= chosen)
    }

    @Test func aFlightRecorderHoldsTheLastSeconds() throws {
        let scratch = try Scratch()
        let tap = CaptureTap(keepingLast: .seconds(30))
        Self.record(tap, 0..<1_000)
        #expect(try tap.dump(to: scratch.file("dump")) == 31)
        #expect(try Self.ports(scratch.file("dump")) == Array(969..<1_000))
        // It goes on, and what was dumped is still there.
        Self.record(tap, 1_000..<1_010)
        #expect(try tap.dump(to: scratch.file("dump2")) == 31)
        #expect(tap.written == 1_010)
        #expect(tap.bytes.isEmpty)
        try tap.close()
    }

    @Test func aFlightRecorderKeepsToItsMemory() throws {
        let scratch = try Scratch()
        let tap = CaptureTap(keepingLast: nil, bytesMax: 1 << 20)
        Self.record(tap, 0..<10_000, every: 1, length: 1_000)
        let count = try tap.dump(to: scratch.file("dump"))
        let bytes = try #require(ReferenceCaptures.readFile(scratch.file("dump")))
        #expect(bytes.count <= 1 << 20)
        #expect(bytes.count > (1 << 20) - 3 * 65_536)
        let times = readAll(bytes).records.map(\.time)
        #expect(times == (10_000 - count..<10_000).map { Self.start + Int64($0) })
    }

    @Test func aTapThatIsNoFlightRecorderDumpsNothing() throws {
        let scratch = try Scratch()
        let tap = CaptureTap()
        Self.record(tap, 0..<3)
        #expect(try tap.dump(to: scratch.file("dump")) == 0)
        #expect(scratch.names.isEmpty)
    }

    @Test func whatWasDroppedIsRecordedWithTheReason() throws {
        let tap = CaptureTap()
        let payload = [1, 2, 3] as [UInt8]
        tap.refused(
            RawSpan(payload.span), from: Self.local, to: Self.peer(1),
            at: WallClockTime(nanosecondsSinceEpoch: Self.start), because: .noBufferSpace)
        try tap.close()
        let record = try #require(readAll(tap.bytes).records.first)
        #expect(record.comment == "not sent: No buffer space available (errno 105)")
        #expect(record.direction == .outbound)
    }

    @Test func whatIsRecordedIsInTheFileAfterAFlush() throws {
        let scratch = try Scratch()
        let tap = try CaptureTap(path: scratch.file("echo.pcapng"))
        Self.record(tap, 0..<5)
        tap.flush()
        #expect(try Self.ports(scratch.file("echo.pcapng")) == Array(0..<5))
        Self.record(tap, 5..<7)
        try tap.close()
        #expect(try Self.ports(scratch.file("echo.pcapng")) == Array(0..<7))
    }

    @Test func aFullDiskIsToldOnceAndWhatIsLostIsCounted() throws {
        let told = Mutex<[CaptureError]>([])
        var options = CaptureTap.Options()
        options.onFailure = { error in told.withLock { $0.append(error) } }
        let tap = try CaptureTap(path: "/dev/full", options: options)
        Self.record(tap, 0..<5)
        #expect(tap.written == 5)
        tap.flush()
        #expect(told.withLock { $0.map(\.errno) } == [.noSpace])
        #expect(tap.written == 0)
        #expect(tap.failed == 5)
        Self.record(tap, 0..<5)
        tap.flush()
        #expect(tap.failed == 10)
        #expect(throws: CaptureError.self) { try tap.close() }
        #expect(told.withLock { $0.count } == 1)
    }

    @Test(arguments: [
        ("dir.d/echo", "dir.d/echo_00001_19700101000000"),
        ("echo.pcapng", "echo_00001_19700101000000.pcapng"),
        (".echo", ".echo_00001_19700101000000"),
        ("/x/.echo.cap", "/x/.echo_00001_19700101000000.cap"),
    ])
    func namesKeepTheirSuffix(path: String, name: String) {
        #expect(CaptureRotation.fileName(path, number: 1, at: 0) == name)
    }
}
