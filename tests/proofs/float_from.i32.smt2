; An i32 as an f32, rounded to nearest even.
(define-fun assumed () Bool (= (|float_from_n code| state) #b001))
(define-fun claimed () Bool
  (writes (|float_from_n value| state) ((_ to_fp 8 24) RNE (|float_from_n bits| state))))
