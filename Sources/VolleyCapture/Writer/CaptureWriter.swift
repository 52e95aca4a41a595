public import SystemPackage
public import VolleyWire

/// Writes pcap and pcapng files.
///
/// The bytes depend on nothing but what is written: no host name, no clock, no program version. Integers are
/// little-endian, pcapng time stamps are in nanoseconds, pcap in microseconds rounds down. Output is buffered: a file
/// is whole when ``close()`` has returned. Not thread-safe.
public final class CaptureWriter {
    /// The longest packet that is written, which is what libpcap reads: 262,144 bytes.
    public static let packetLengthMax = 262_144

    /// The file's path, or what stands for it.
    public let name: String
    /// The format of the file.
    public let format: CaptureFormat
    /// How many packets were written so far.
    public private(set) var packetCount = 0

    private var output: OutputBuffer
    private let closesDescriptor: Bool
    private var isClosed = false
    private var failure: CaptureError?
    private var interfaceCount = 0
    /// How many of the packets are in the file for certain, and not in a buffer.
    private(set) var flushedPacketCount = 0
    var scratch: [UInt8] = []

    /// Creates a file or empties an existing one; `-` is standard output.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - format: what is written.
    ///   - linkType: of the packets of a pcap file, or of pcapng's first interface, number 0.
    /// - Throws: ``CaptureError`` when the file cannot be created.
    public convenience init(
        path: String, format: CaptureFormat = .pcapng, linkType: LinkType = .rawIP
    ) throws(CaptureError) {
        try self.init(path: path, format: format, interface: CaptureInterfaceDescription(linkType: linkType))
    }

    /// Creates a file or empties an existing one; `-` is standard output.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - format: what is written.
    ///   - interface: pcapng's first interface, number 0; of pcap's, only link type and snap length are kept.
    /// - Throws: ``CaptureError`` when the file cannot be created, or cannot hold the description.
    public convenience init(
        path: String, format: CaptureFormat = .pcapng, interface: CaptureInterfaceDescription
    ) throws(CaptureError) {
        if let reason = interface.reasonAgainst { throw CaptureError(.invalidArgument, file: path, reason) }
        if path == "-" {
            self.init(.standardOutput, closes: false, name: "standard output", format: format, interface)
            return
        }
        let descriptor: FileDescriptor
        do {
            descriptor = try .open(
                FilePath(path), .writeOnly, options: [.create, .truncate, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
        } catch {
            throw CaptureError(.cannotOpen, file: path, errno: error as? Errno, "cannot create")
        }
        self.init(descriptor, closes: true, name: path, format: format, interface)
    }

    /// Writes to an open descriptor, which the caller closes after ``close()``.
    ///
    /// - Parameters:
    ///   - descriptor: is written to from where it stands.
    ///   - name: stands for the file's path in errors.
    ///   - format: what is written.
    ///   - linkType: as for ``init(path:format:linkType:)``.
    public convenience init(
        descriptor: FileDescriptor, name: String, format: CaptureFormat = .pcapng, linkType: LinkType = .rawIP
    ) {
        self.init(
            descriptor, closes: false, name: name, format: format, CaptureInterfaceDescription(linkType: linkType))
    }

    /// Writes into memory, for ``bytes``.
    ///
    /// - Parameters:
    ///   - format: what is written.
    ///   - linkType: as for ``init(path:format:linkType:)``.
    public convenience init(inMemory format: CaptureFormat, linkType: LinkType = .rawIP) {
        self.init(nil, closes: false, name: "memory", format: format, CaptureInterfaceDescription(linkType: linkType))
    }

    private init(
        _ descriptor: FileDescriptor?, closes: Bool, name: String, format: CaptureFormat,
        _ interface: CaptureInterfaceDescription
    ) {
        precondition(format != .snoop, "snoop is read only; write pcapng")
        self.name = name
        self.format = format
        closesDescriptor = closes
        output = OutputBuffer(descriptor: descriptor)
        if format == .pcapng {
            output.appendSectionHeader()
            output.appendInterface(interface)
        } else {
            output.appendPcapHeader(format, interface)
        }
        interfaceCount = 1
    }

    deinit {
        // A writer that is not closed has failed or was given up; there is nobody left to tell of an error.
        if closesDescriptor, !isClosed { try? output.descriptor?.close() }
    }

    /// Describes one more interface of a pcapng file.
    ///
    /// - Parameters:
    ///   - linkType: of the packets to come.
    ///   - interfaceName: what readers show, at most 65,535 bytes.
    /// - Returns: the number for ``write(_:at:originalLength:interface:direction:comment:)``.
    /// - Throws: ``CaptureError`` when the format cannot hold the interface.
    public func addInterface(linkType: LinkType, name interfaceName: String? = nil) throws(CaptureError) -> Int {
        try checkOpen()
        guard format == .pcapng else { throw invalid("pcap holds one interface only; write pcapng") }
        let interface = CaptureInterfaceDescription(linkType: linkType, name: interfaceName)
        if let reason = interface.reasonAgainst { throw invalid(reason) }
        output.appendInterface(interface)
        defer { interfaceCount += 1 }
        return interfaceCount
    }

    /// Writes down how many packets an interface has had and lost, as pcapng's statistics of an interface; in pcap, does
    /// nothing.
    ///
    /// - Parameters:
    ///   - statistics: what is known.
    ///   - timestampNanoseconds: when, since the Unix epoch.
    ///   - interface: the number of the interface.
    /// - Throws: ``CaptureError`` when there is no such interface, or after an earlier failure.
    public func write(
        _ statistics: CaptureInterfaceStatistics, at timestampNanoseconds: Int64, interface: Int = 0
    ) throws(CaptureError) {
        try checkOpen()
        guard format == .pcapng else { return }
        guard 0..<interfaceCount ~= interface, let time = UInt64(exactly: timestampNanoseconds) else {
            throw invalid("no statistics of interface \(interface) at \(timestampNanoseconds) ns")
        }
        output.appendStatistics(statistics, time: time, interface: UInt32(interface))
    }

    /// Writes one packet.
    ///
    /// - Parameters:
    ///   - packet: the bytes from the link layer on, at most ``packetLengthMax``.
    ///   - timestampNanoseconds: since the Unix epoch; not negative, and for pcap before the year 2106.
    ///   - originalLength: the bytes on the wire, if they are more than `packet`.
    ///   - interface: the number of the interface; pcap knows 0 only.
    ///   - direction: kept by pcapng, lost in pcap.
    ///   - comment: at most 65,535 bytes; kept by pcapng, lost in pcap.
    /// - Throws: ``CaptureError`` when the format cannot hold the packet, or the system refuses to write.
    public func write(
        _ packet: RawSpan, at timestampNanoseconds: Int64, originalLength: Int? = nil, interface: Int = 0,
        direction: PacketDirection = .unknown, comment: String? = nil
    ) throws(CaptureError) {
        try checkOpen()
        let original = max(originalLength ?? 0, packet.byteCount)
        guard packet.byteCount <= Self.packetLengthMax, let originalWord = UInt32(exactly: original) else {
            throw invalid("a packet of \(original) bytes is longer than the \(Self.packetLengthMax) a capture may hold")
        }
        guard 0..<interfaceCount ~= interface else {
            throw invalid("there is no interface \(interface); \(interfaceCount) are described")
        }
        guard let time = UInt64(exactly: timestampNanoseconds) else {
            throw invalid("a time before 1970 (\(timestampNanoseconds) ns)")
        }
        if format == .pcapng {
            guard comment?.utf8.count ?? 0 <= Int(UInt16.max) else { throw invalid("a comment is too long") }
            output.appendEnhancedPacket(
                packet, time: time, originalLength: originalWord, interface: UInt32(interface),
                direction: direction, comment: comment)
        } else {
            guard let seconds = UInt32(exactly: time / 1_000_000_000) else {
                throw invalid("a time after 2106 (\(time) ns), which pcap cannot hold; write pcapng")
            }
            let fraction = UInt32(time % 1_000_000_000) / (format == .pcapNanoseconds ? 1 : 1_000)
            output.appendPcapRecord(packet, seconds: seconds, fraction: fraction, originalLength: originalWord)
        }
        packetCount += 1
        if output.isFull { try flush() }
    }

    /// Writes a packet as it stands in another pcapng file of ours with the same interfaces.
    func appendBlock(_ block: ArraySlice<UInt8>) throws(CaptureError) {
        try checkOpen()
        output.append(block)
        packetCount += 1
        if output.isFull { try flush() }
    }

    /// How many bytes the file has so far, with what is still buffered.
    public var byteCount: Int64 { output.totalCount }

    /// Writes everything buffered to the descriptor.
    ///
    /// - Throws: ``CaptureError`` with the system's error; every later call throws it again.
    public func flush() throws(CaptureError) {
        try checkOpen()
        do {
            try output.flush()
            flushedPacketCount = packetCount
        } catch {
            let failure = CaptureError(.writeFailed, file: name, errno: error, "cannot write")
            self.failure = failure
            throw failure
        }
    }

    /// Writes everything buffered and closes the file; a second call does nothing.
    ///
    /// - Throws: ``CaptureError`` with the system's error, such as `ENOSPC`: the file is not whole then. It is closed
    ///   in any case.
    public func close() throws(CaptureError) {
        if isClosed { return }
        var failure: CaptureError?
        do {
            try flush()
        } catch {
            failure = error
        }
        isClosed = true
        if closesDescriptor {
            do {
                try output.descriptor?.close()
            } catch {
                let cause = error as? Errno
                failure = failure ?? CaptureError(.writeFailed, file: name, errno: cause, "cannot close")
            }
        }
        if let failure { throw failure }
    }

    /// The whole capture, if it is in memory; empty otherwise.
    public var bytes: [UInt8] {
        output.descriptor == nil ? output.bytes : []
    }

    func invalid(_ message: String) -> CaptureError {
        CaptureError(.invalidArgument, file: name, "cannot write packet \(packetCount + 1): " + message)
    }

    private func checkOpen() throws(CaptureError) {
        if let failure { throw failure }
        if isClosed { throw CaptureError(.closed, file: name, "the capture is closed") }
    }
}
