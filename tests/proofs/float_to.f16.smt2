; An f32 as an f16, rounded to nearest even; subnormals stay.
(define-fun half () (_ FloatingPoint 5 11) ((_ to_fp 5 11) RNE (number (|float_to_n value| state))))
(define-fun low_half () (_ BitVec 16) ((_ extract 15 0) (|float_to_n bits| state)))
(define-fun assumed () Bool
  (and (= (|float_to_n code| state) #b010) (is_canonical (|float_to_n value| state))))
(define-fun claimed () Bool
  (and (= ((_ extract 31 16) (|float_to_n bits| state)) #x0000)
       (ite (fp.isNaN half) (= low_half #x7e00) (= ((_ to_fp 5 11) low_half) half))))
