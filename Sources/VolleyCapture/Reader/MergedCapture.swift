/// Several readers as one, their records in the order of time (a k-way merge with a heap of the next ones).
///
/// The next record of each file is held in that file's own buffer. Nothing is read before it is asked for, so that live
/// input is passed on as soon as it is known to be the earliest.
final class MergedCapture {
    /// One file, standing at its next record.
    private final class Source {
        var reader: CaptureReader

        init(_ reader: consuming CaptureReader) { self.reader = reader }

        /// Goes on to the next record; `nil` at the end, else its time.
        func advance() throws(CaptureError) -> Int64? {
            try reader.advance() ? reader.current.timestampNanoseconds : nil
        }
    }

    /// A file in the heap: earlier times first, and of equal ones the file named first.
    private struct Head {
        var time: Int64
        let file: Int

        static func < (left: Head, right: Head) -> Bool {
            left.time == right.time ? left.file < right.file : left.time < right.time
        }
    }

    /// What stands for the files in errors that are about all of them.
    let name: String
    private let sources: [Source]
    /// A binary heap: no element is later than those at twice its index plus 1 and 2.
    private var heap: [Head] = []
    /// Whether the record at the top has been taken.
    private var isTopTaken = false
    private var isBegun = false
    private var damages: [CaptureError] = []

    /// Opens the files, all of which have to be captures.
    init(paths: [String]) throws(CaptureError) {
        var sources: [Source] = []
        for path in paths { sources.append(Source(try CaptureReader(path: path))) }
        self.sources = sources
        name = "\(paths.count) files"
    }

    /// Bytes used so far of all files.
    var byteOffset: Int64 { sources.reduce(0) { $0 + $1.reader.byteOffset } }

    /// What is odd about the files.
    var warnings: [String] { sources.flatMap { $0.reader.warnings } }

    /// The bytes of the next record and its options, 0 at the end.
    func nextLength() -> Int {
        prepare()
        guard let top = heap.first else { return 0 }
        let header = sources[top.file].reader.current
        return header.bytesLength + header.optionsLength
    }

    /// Copies the next record into `input`, and its header, as it is there; `nil` at the end of all files.
    ///
    /// - Throws: what the damaged files have thrown, at the end.
    func take(into input: inout InputBuffer) throws(CaptureError) -> RecordHeader? {
        prepare()
        guard let top = heap.first else {
            if let damage = summary() { throw damage }
            return nil
        }
        isTopTaken = true
        return sources[top.file].reader.copyRecord(into: &input)
    }

    /// Brings the earliest record to the top.
    private func prepare() {
        if !isBegun {
            isBegun = true
            for file in sources.indices {
                guard let time = nextTime(of: file) else { continue }
                heap.append(Head(time: time, file: file))
            }
            for index in heap.indices.reversed() { siftDown(from: index) }
        }
        guard isTopTaken, let top = heap.first else { return }
        isTopTaken = false
        if let time = nextTime(of: top.file) {
            heap[0].time = time
        } else if let last = heap.popLast(), !heap.isEmpty {
            heap[0] = last
        }
        siftDown(from: 0)
    }

    private func nextTime(of file: Int) -> Int64? {
        do throws(CaptureError) {
            return try sources[file].advance()
        } catch {
            damages.append(error)
            return nil
        }
    }

    private func siftDown(from start: Int) {
        var index = start
        while true {
            var least = index
            for child in 2 * index + 1...2 * index + 2 where child < heap.count && heap[child] < heap[least] {
                least = child
            }
            guard least != index else { return }
            heap.swapAt(index, least)
            index = least
        }
    }

    /// What was wrong with the files, as one error; the only one as it is.
    private func summary() -> CaptureError? {
        guard damages.count > 1 else { return damages.first }
        return CaptureError(
            .severalDamaged, file: name,
            "\(damages.count) are damaged: " + damages.map { "\($0)" }.joined(separator: "; "))
    }
}

extension CaptureReader {
    /// Copies the current record into another reader's `target`; the header is as it is there.
    fileprivate func copyRecord(into target: inout InputBuffer) -> RecordHeader {
        var header = current
        let bytes = input.bytes.extracting(header.bytesOffset..<header.bytesOffset + header.bytesLength)
        let options = input.bytes.extracting(header.optionsOffset..<header.optionsOffset + header.optionsLength)
        header.bytesOffset = target.place(bytes, options)
        header.optionsOffset = header.bytesOffset + header.bytesLength
        return header
    }

    /// Takes the next record of several files.
    mutating func advance(_ merged: MergedCapture) throws(CaptureError) -> Bool {
        let number = current.number
        guard let header = try merged.take(into: &input) else { return false }
        current = header
        current.number = number + 1
        return true
    }
}
