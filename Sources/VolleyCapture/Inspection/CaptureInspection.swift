import VolleyCore
public import VolleyWire

/// What is in a capture: who sent what to whom, when, and what became of each record.
///
/// ```swift
/// var reader = try CaptureReader(path: path)
/// var inspection = CaptureInspection()
/// do { try inspection.read(&reader) } catch { report(error) }  // what came before the damage is in `inspection`
/// ```
///
/// Memory is bounded: the first ``Limits/endpoints`` endpoints and ``Limits/conversations`` conversations are kept;
/// the datagrams of others are counted by ``datagramsBeyondEndpoints`` and ``datagramsBeyondConversations``, and in all
/// totals.
public struct CaptureInspection: Sendable {
    /// The most entries the two tables hold.
    public struct Limits: Hashable, Sendable {
        /// Addresses with port; an entry takes about 100 bytes.
        public var endpoints = 65_536
        /// Pairs of them; an entry takes about 150 bytes.
        public var conversations = 65_536

        /// The limits everything has unless told otherwise: 65,536 of each.
        public init() {}
    }

    /// The most entries the two tables hold.
    public let limits: Limits
    /// What became of the records; the sum is the number of records.
    public var accounting: RecordAccounting { decoder.accounting }
    /// The sum of the payload lengths of the datagrams delivered.
    public private(set) var payloadBytes = 0
    /// The link types met, with the number of records of each, in the order they were met; at most 256, records of
    /// further ones are only in ``accounting``.
    public private(set) var linkTypes: [(linkType: LinkType, records: Int)] = []
    /// The time of the earliest and the latest record in nanoseconds since the Unix epoch; `nil` if no record has one.
    public private(set) var timeSpan: ClosedRange<Int64>?
    /// How many records are earlier than the one before them.
    public private(set) var timestampsBackwards = 0
    /// Datagrams of which an endpoint found no room in the table; each end that found none counts.
    public private(set) var datagramsBeyondEndpoints = 0
    /// Datagrams whose conversation found no room in the table.
    public private(set) var datagramsBeyondConversations = 0
    /// Count, bytes and hashes of what is delivered; `nil` unless asked for.
    public private(set) var digest: CaptureDigest?
    /// How large the records are that no filter refused.
    public private(set) var sizes = PacketSizes()
    /// When datagrams came, those that have a time.
    public private(set) var rates = TrafficRates()
    /// DNS queries and answers, but for those of multicast DNS.
    public private(set) var dns = DNSExchanges()
    /// ICMP errors of more kinds than are told apart.
    public var icmpErrorsBeyond: Int { icmpTable.beyond }
    /// Datagrams of more streams with sequence numbers than are followed.
    public var datagramsBeyondSequences: Int { sequences.datagramsBeyond }

    var endpointTable: [SocketAddress: Traffic] = [:]
    var conversationTable: [ConversationKey: TimedTraffic] = [:]
    var protocolTable = ProtocolTable()
    var icmpTable = ICMPErrorTable()
    var sequences = SequenceTable()
    private var lastTime: Int64?
    private var decoder: RecordDecoder

    /// Nothing seen yet.
    ///
    /// - Parameters:
    ///   - withDigest: whether to compute ``digest``, which takes several times as long as all the rest.
    ///   - limits: the most entries of the tables.
    ///   - decoding: the rules records are held to.
    public init(withDigest: Bool = false, limits: Limits = Limits(), decoding: DecodingOptions = DecodingOptions()) {
        self.limits = limits
        decoder = RecordDecoder(decoding)
        digest = withDigest ? CaptureDigest() : nil
    }

    /// The number of records seen.
    public var records: Int { accounting.total }

    /// The number of datagrams delivered.
    public var datagrams: Int { accounting[.delivered] }

    /// Takes in all records of a capture up to its end.
    ///
    /// - Parameters:
    ///   - reader: is at its end afterwards, or at the damage.
    ///   - filter: records it refuses are counted as ``RecordClass/filtered`` and not looked at.
    ///   - progress: called every 65,536 records with the reader's position in the file in bytes.
    ///   - errors: called with the record number of each ICMP error that quotes a UDP datagram, and with the error.
    /// - Throws: what the reader or the filter throws; everything before that is kept.
    public mutating func read(
        _ reader: inout CaptureReader, filter: CaptureFilter? = nil, progress: ((Int64) -> Void)? = nil,
        errors: ((Int, ICMPError) -> Void)? = nil
    ) throws(CaptureError) {
        while try addNext(of: &reader, filter: filter, errors) {
            if let progress, reader.recordCount & 0xffff == 0 { progress(reader.byteOffset) }
        }
    }

    /// Takes in the next record; `false` at the end of the capture.
    private mutating func addNext(
        of reader: inout CaptureReader, filter: CaptureFilter?, _ errors: ((Int, ICMPError) -> Void)?
    ) throws(CaptureError) -> Bool {
        guard let record = try reader.next() else { return false }
        if let filter, try !filter.matches(record) {
            addFiltered(record)
        } else {
            add(record, errors)
        }
        return true
    }

    /// Takes in one record.
    public mutating func add(_ record: borrowing CaptureRecord) { add(record, nil) }

    private mutating func add(_ record: borrowing CaptureRecord, _ errors: ((Int, ICMPError) -> Void)?) {
        addHeader(record)
        let frame = decoder.decode(
            record.bytes, originalLength: record.originalLength, linkType: record.linkType,
            at: record.timestampNanoseconds)
        sizes.add(record.originalLength)
        let time = record.hasTimestamp ? record.timestampNanoseconds : nil
        if frame.isReassembled {
            let packet = decoder.packet
            addDatagram(frame, in: RawSpan(packet.span), at: time)
            return
        }
        addDatagram(frame, in: record.bytes, at: time)
        if frame.recordClass == .icmpError, let error = ICMPError(frame, in: record.bytes) {
            icmpTable.add(error)
            errors?(record.number, error)
        }
    }

    /// Takes in what a record was decoded to, if it is a datagram.
    private mutating func addDatagram(_ frame: DecodedFrame, in bytes: RawSpan, at time: Int64?) {
        guard frame.isDelivered else { return }
        payloadBytes += frame.payloadLength
        addTraffic(frame, at: time)
        if let time { rates.add(frame.payloadLength, at: time) }
        addContent(frame, frame.payload(in: bytes), at: time)
        digest?.add(frame, of: bytes)
    }

    /// What the payload seems to be, and what follows from that.
    private mutating func addContent(_ frame: DecodedFrame, _ payload: RawSpan, at time: Int64?) {
        let (found, basis) = PayloadProtocol.recognise(
            payload, from: frame.source.port, to: frame.destination.port)
        switch found {
        case .dns where basis != .port:
            guard let message = DNSMessage(payload) else { break }
            dns.add(message, from: frame.source, to: frame.destination, at: time ?? lastTime ?? 0)
        case .netflow where basis != .port, .sflow where basis != .port:
            sequences.add(found, payload, of: frame)
        case .rtp:
            if let header = RTPHeader(payload) { sequences.addRTP(header, of: frame) }
        case .unknown:
            guard (frame.source.port | frame.destination.port) & 1 == 0, let header = RTPHeader(payload) else { break }
            let (isRTP, before) = sequences.addCandidate(header, of: frame)
            guard isRTP else { break }
            for bytes in before { protocolTable.settle(.rtp, bytes: bytes) }
            protocolTable.add(.rtp, .content, bytes: frame.payloadLength)
            return
        default: break
        }
        protocolTable.add(found, basis, bytes: frame.payloadLength)
    }

    /// Takes in one record that a filter refused: its class, link type and time.
    public mutating func addFiltered(_ record: borrowing CaptureRecord) {
        addHeader(record)
        decoder.countFiltered()
    }

    private mutating func addHeader(_ record: borrowing CaptureRecord) {
        if let index = linkTypes.firstIndex(where: { $0.linkType == record.linkType }) {
            linkTypes[index].records += 1
        } else if linkTypes.count < 256 {
            linkTypes.append((record.linkType, 1))
        }
        guard record.hasTimestamp else { return }
        let time = record.timestampNanoseconds
        if let lastTime, time < lastTime { timestampsBackwards += 1 }
        lastTime = time
        timeSpan = timeSpan.map { min($0.lowerBound, time)...max($0.upperBound, time) } ?? time...time
    }

    private mutating func addTraffic(_ frame: DecodedFrame, at time: Int64?) {
        let bytes = frame.payloadLength
        let knowsSource = endpointTable.count(in: frame.source, limit: limits.endpoints) { $0.addForward(bytes) }
        let knowsDestination = endpointTable.count(in: frame.destination, limit: limits.endpoints) {
            $0.addBackward(bytes)
        }
        datagramsBeyondEndpoints += (knowsSource ? 0 : 1) + (knowsDestination ? 0 : 1)

        let backward = ConversationKey(frame.destination, frame.source)
        let isBackward = conversationTable[backward] != nil && frame.source != frame.destination
        let key = isBackward ? backward : ConversationKey(frame.source, frame.destination)
        let knowsConversation = conversationTable.count(in: key, limit: limits.conversations) {
            if isBackward { $0.traffic.addBackward(bytes) } else { $0.traffic.addForward(bytes) }
            if let time { $0.add(time) }
        }
        if !knowsConversation { datagramsBeyondConversations += 1 }
    }
}
