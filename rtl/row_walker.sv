// Walks the rows of a strided transfer: dimension 1 innermost (docs/isa.md, "Load engine").
//
// `start` in cycle s takes the first row's addresses, counts and strides. From s+1 on, `source` and
// `destination` are those of the current row. `advance` goes on to the next row, and `last` says that there
// is none.
module row_walker (
    input  logic             clock,
    input  logic             start,
    input  logic [39:0]      first_source,
    input  logic [39:0]      first_destination,
    input  logic [2:0][15:0] counts,
    input  logic [2:0][31:0] source_strides,
    input  logic [2:0][31:0] destination_strides,
    input  logic             advance,
    output logic [39:0]      source,
    output logic [39:0]      destination,
    output logic             last
);
  // For each dimension, the rows left after this one, where its present run began, and how it goes on.
  logic [2:0][15:0] left;
  logic [2:0][15:0] reload;
  logic [2:0][39:0] sources, destinations;
  logic [2:0][31:0] source_steps, destination_steps;

  // Whether dimensions inside each one have rows left.
  logic [2:0] inner_left;
  assign inner_left = {left[1] != '0 || left[0] != '0, left[0] != '0, 1'b0};

  assign source = sources[0];
  assign destination = destinations[0];
  assign last = left == '0;

  always_ff @(posedge clock) begin
    if (start) begin
      for (int k = 0; k < 3; k++) begin
        left[k] <= counts[k] - 16'd1;
        reload[k] <= counts[k] - 16'd1;
        sources[k] <= first_source;
        destinations[k] <= first_destination;
      end
      source_steps <= source_strides;
      destination_steps <= destination_strides;
    end else if (advance) begin
      // The innermost dimension with rows left goes on; those inside begin anew from there.
      for (int k = 2; k >= 0; k--) begin
        if (!inner_left[k] && left[k] != '0) begin
          left[k] <= left[k] - 16'd1;
          for (int inner = 0; inner <= k; inner++) begin
            sources[inner] <= sources[k] + 40'(source_steps[k]);
            destinations[inner] <= destinations[k] + 40'(destination_steps[k]);
            if (inner < k) left[inner] <= reload[inner];
          end
        end
      end
    end
  end
endmodule
