package import VolleyCapture
import VolleyCore
package import VolleyWire

/// The client's side of a capture, datagram by datagram, once or several times over, with the answers it got.
///
/// It is what a live replay sends; who sends it, and how, is not its business.
package final class PacedCapture {
    /// One datagram of the capture.
    package struct Item {
        /// Whether the local endpoint sent it, so that it is an answer to compare with and not to be sent.
        package let isAnswer: Bool
        /// The client and the local endpoint that the service replaces.
        package let flow: ReplyMatcher.Flow
        package let payload: [UInt8]
        package let record: Int
        package let timestamp: Int64
    }

    private let open: () throws(CaptureError) -> CaptureReader
    private let role: ReplayRole
    private let filter: CaptureFilter?
    private let expression: String?
    private let passesMax: Int
    private var reader: CaptureReader
    private var census = DestinationCensus()
    private var requestsInPass = 0
    private var answers = 0
    private var decoder: RecordDecoder
    package private(set) var elsewhere = 0
    package private(set) var ambiguous = 0
    package private(set) var passes = 1
    /// Called at the beginning of each pass but the first.
    package var onPass: () -> Void = {}

    /// - Parameters:
    ///   - role: the endpoint that the service replaces.
    ///   - filter: an expression; records it refuses are counted.
    ///   - decoding: what counts as delivered.
    ///   - passes: how often the capture is gone through.
    ///   - open: opens the capture; called once for each pass.
    package init(
        as role: ReplayRole, filter: String?, decoding: DecodingOptions = DecodingOptions(), passes: Int,
        open: @escaping () throws(CaptureError) -> CaptureReader
    ) throws(CaptureError) {
        self.role = role
        self.open = open
        expression = filter
        passesMax = max(1, passes)
        decoder = RecordDecoder(decoding)
        reader = try open()
        self.filter = try filter.map { expression throws(CaptureError) in try CaptureFilter(expression) }
    }

    /// What became of the records of all passes.
    package var records: RecordAccounting { decoder.accounting }

    /// How many bytes of the file the present pass has read.
    package var byteOffset: Int64 { reader.byteOffset }

    /// Why nothing of what has been read could be sent, as a clause.
    package func reasonForNothing(isDamaged: Bool) -> String {
        content(isDamaged: isDamaged).reasonForNothing(captured: answers, census)
    }

    /// What is odd about the capture, as far as the present pass has read it.
    package var warnings: [String] { reader.warnings }

    /// What has been read: the capture, or what a filter has left of it.
    package var subject: String { content(isDamaged: false).subject }

    private func content(isDamaged: Bool) -> CaptureContent {
        CaptureContent(role: role, records: records, filter: expression, isDamaged: isDamaged)
    }

    /// The next datagram to or from the local endpoint; `nil` at the end of the last pass.
    ///
    /// - Throws: where the capture is damaged; there is nothing more then.
    package func next() throws(CaptureError) -> Item? {
        while true {
            if let item = try nextInPass(&reader) { return item }
            // A capture without a single request would be gone through in vain.
            guard passes < passesMax, requestsInPass > 0 else { return nil }
            reader = try open()
            passes += 1
            requestsInPass = 0
            onPass()
        }
    }

    private func nextInPass(_ reader: inout CaptureReader) throws(CaptureError) -> Item? {
        while let record = try reader.next() {
            if let filter,
                try !filter.matches(record.bytes, originalLength: record.originalLength, linkType: record.linkType)
            {
                decoder.countFiltered()
                continue
            }
            let frame = decoder.decode(
                record.bytes, originalLength: record.originalLength, linkType: record.linkType,
                at: record.timestampNanoseconds)
            guard frame.isDelivered else { continue }
            let (source, destination) = (frame.source, frame.destination)
            let isRequest = role.isLocal(destination) && role.accepts(source)
            guard isRequest || (role.isLocal(source) && role.accepts(destination)) else {
                elsewhere += 1
                census.count(destination, role: role)
                continue
            }
            if isRequest {
                requestsInPass += 1
                if role.isLocal(source) { ambiguous += 1 }
            } else {
                answers += 1
            }
            return Item(
                isAnswer: !isRequest,
                flow: isRequest
                    ? ReplyMatcher.Flow(local: destination, peer: source)
                    : ReplyMatcher.Flow(local: source, peer: destination),
                payload: decoder.payload(of: frame, in: record.bytes), record: record.number,
                timestamp: record.timestampNanoseconds)
        }
        return nil
    }
}
